import type { Message } from './message.ts'

/** What a channel keeps: the last 1000 messages or five minutes. */
const KEPT = 1_000
const KEPT_MS = 5 * 60_000
/** Messages kept of all channels together; beyond it the channel followed longest ago is forgotten. */
const ROOM = 100_000

interface Past {
  /** Ascending by seq. Of a forming candle only the newest state is here: the older ones say nothing more. */
  messages: { readonly message: Message; readonly at: number }[]
  /** Nothing that matters and came after this seq is absent. */
  floor: number
  /** When the last client left, ms; 0 while someone follows. */
  leftAt: number
}

/** The recent past of channels that somebody follows by name, for clients that come back. */
export interface History {
  /** Someone follows the channel from `seq` on. */
  follow(key: string, seq: number): void
  /** Nobody does any more; what it has is kept for a while. */
  leave(key: string): void
  keep(message: Message): void
  /** What came after `seq`, oldest first; undefined when the past does not reach back so far. */
  since(key: string, seq: number): Message[] | undefined
}

export function createHistory(now: () => number): History {
  const channels = new Map<string, Past>()
  let size = 0

  const forget = (key: string) => {
    size -= channels.get(key)?.messages.length ?? 0
    channels.delete(key)
  }
  const dropFirst = (past: Past) => {
    const [first] = past.messages.splice(0, 1)
    if (!first) return
    size--
    if (!first.message.replaceable) past.floor = first.message.seq
  }
  const prune = (past: Past) => {
    while (past.messages.length > KEPT || (past.messages[0]?.at ?? Infinity) < now() - KEPT_MS) dropFirst(past)
  }
  /** The newest state of a forming candle, or its close, stands for the states before it. */
  const replace = ({ messages }: Past, { time }: Message) => {
    const at = messages.findLastIndex(({ message }) => message.replaceable)
    if (at < 0 || messages[at]!.message.time > time) return
    messages.splice(at, 1)
    size--
  }

  return {
    follow(key, seq) {
      const past = channels.get(key) ?? { messages: [], floor: seq, leftAt: 0 }
      past.leftAt = 0
      channels.delete(key)
      channels.set(key, past)
    },
    leave(key) {
      const past = channels.get(key)
      if (past) past.leftAt = now()
    },
    keep(message) {
      const past = channels.get(message.key)
      if (!past) return
      if (past.leftAt && past.leftAt < now() - KEPT_MS) return forget(message.key)
      replace(past, message)
      past.messages.push({ message, at: now() })
      size++
      prune(past)
      for (const key of channels.keys()) {
        if (size <= ROOM) break
        forget(key)
      }
    },
    since(key, seq) {
      const past = channels.get(key)
      if (!past) return undefined
      prune(past)
      if (seq < past.floor) return undefined
      return past.messages.flatMap(({ message }) => (message.seq > seq ? [message] : []))
    },
  }
}
