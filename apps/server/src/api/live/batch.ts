import type { Message } from './message.ts'

/** Messages that leave in one write. */
export interface Batch {
  readonly size: number
  /** How many of them belong to a channel; the others answer one client. */
  readonly onChannels: number
  /** All frames, joined; made once. */
  bytes(): Buffer
  messages(): Message[]
}

/**
 * What clients are to be sent in this turn of the event loop: a path in a tree of messages.
 * Clients that got the same messages in the same order stand on the same node and share its bytes.
 */
export interface GrowingBatch extends Batch {
  /** The batch with one more message. */
  with(message: Message): GrowingBatch
}

const join = (messages: Message[]): Buffer =>
  messages.length === 1 ? messages[0]!.frame() : Buffer.concat(messages.map((each) => each.frame()))

/** A batch that is complete. */
export const batchOf = (messages: Message[]): Batch => ({
  size: messages.length,
  onChannels: messages.filter(({ channel }) => channel).length,
  bytes: () => join(messages),
  messages: () => messages,
})

/** The root of a turn's tree. */
export const emptyBatch = (): GrowingBatch => node(undefined, undefined)

function node(parent: GrowingBatch | undefined, message: Message | undefined): GrowingBatch {
  let children: Map<Message, GrowingBatch> | undefined
  let bytes: Buffer | undefined
  const messages = (): Message[] => {
    const before = parent?.messages() ?? []
    if (message) before.push(message)
    return before
  }
  const self: GrowingBatch = {
    size: parent ? parent.size + 1 : 0,
    onChannels: (parent?.onChannels ?? 0) + (message?.channel ? 1 : 0),
    messages,
    bytes() {
      bytes ??= join(messages())
      return bytes
    },
    with(next) {
      children ??= new Map()
      const known = children.get(next) ?? node(self, next)
      children.set(next, known)
      return known
    },
  }
  return self
}
