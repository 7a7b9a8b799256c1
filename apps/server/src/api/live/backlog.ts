import type { Lagged } from '@candlewire/protocol'
import { subscriptionOf } from './channel.ts'
import type { Message } from './message.ts'

interface Loss {
  readonly first: Message
  last: number
}

/** What waits for a client that reads too slowly: at most `limit` messages, one replaceable per channel. */
export interface Backlog {
  /** Returns how many messages that drops or replaces. */
  add(message: Message): { dropped: number; conflated: number }
  /** Takes everything out, oldest first, and what was lost before it. */
  take(): { messages: Message[]; lagged: Lagged | undefined }
  size(): number
}

export function createBacklog(limit: number): Backlog {
  let waiting = new Set<Message>()
  /** The pending forming message of a channel. */
  let forming = new Map<string, Message>()
  let losses = new Map<string, Loss>()
  let lost = 0

  const remove = (message: Message) => {
    waiting.delete(message)
    if (forming.get(message.key) === message) forming.delete(message.key)
  }
  /** The pending forming message that this one stands for: a newer state of the candle, or its close. */
  const outdated = (message: Message): Message | undefined => {
    const old = forming.get(message.key)
    return old && message.time >= old.time ? old : undefined
  }
  const dropOldest = () => {
    const [oldest] = waiting
    if (!oldest) return
    remove(oldest)
    lost++
    if (!oldest.channel) return
    const loss = losses.get(oldest.key)
    if (loss) loss.last = oldest.seq
    else losses.set(oldest.key, { first: oldest, last: oldest.seq })
  }

  return {
    add(message) {
      const old = outdated(message)
      // Order by seq forbids to put the new message in the old one's place.
      if (old) remove(old)
      waiting.add(message)
      if (message.replaceable) forming.set(message.key, message)
      const full = waiting.size > limit
      if (full) dropOldest()
      return { dropped: full ? 1 : 0, conflated: old ? 1 : 0 }
    },
    take() {
      const messages = [...waiting]
      const lagged: Lagged | undefined =
        lost > 0 ? { dropped: lost, channels: [...losses.values()].map(describe) } : undefined
      waiting = new Set()
      forming = new Map()
      losses = new Map()
      lost = 0
      return { messages, lagged }
    },
    size: () => waiting.size,
  }
}

const describe = ({ first, last }: Loss): Lagged['channels'][number] => ({
  ...subscriptionOf(first.channel!),
  from_seq: first.seq,
  to_seq: last,
})
