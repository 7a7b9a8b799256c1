import type { Exchange } from '../exchanges/exchange.ts'

interface Pending {
  readonly kind: 'subscribe' | 'unsubscribe'
  readonly topics: readonly string[]
  readonly sentAt: number
}

interface Acked {
  readonly kind: 'subscribe' | 'unsubscribe'
  readonly topics: readonly string[]
}

/**
 * The control messages of one connection: what is still to be asked for, in messages of at most `topicsPerMessage`,
 * and which answers are awaited. Pure: the connection sends and keeps the time.
 */
export function createSubscriptions(exchange: Exchange) {
  const size = exchange.limits.topicsPerMessage
  const pending = new Map<number, Pending>()
  const joining = new Set<string>()
  const leaving = new Set<string>()
  const active = new Set<string>()
  let id = 0

  function take(from: Set<string>): string[] {
    const topics = [...from].slice(0, size)
    for (const topic of topics) from.delete(topic)
    return topics
  }

  return {
    /** A topic whose end was not yet asked for is asked for anew: the answer tells that it flows. */
    add(topics: readonly string[]): void {
      for (const topic of topics) {
        leaving.delete(topic)
        joining.add(topic)
      }
    },
    remove(topics: readonly string[]): void {
      for (const topic of topics) {
        joining.delete(topic)
        if (active.has(topic)) leaving.add(topic)
      }
    },
    /** The next message to send, or nothing. */
    next(now: number): string | undefined {
      const kind = leaving.size ? 'unsubscribe' : joining.size ? 'subscribe' : undefined
      if (!kind) return undefined
      const topics = take(kind === 'subscribe' ? joining : leaving)
      id += 1
      pending.set(id, { kind, topics, sentAt: now })
      for (const topic of topics) active[kind === 'subscribe' ? 'add' : 'delete'](topic)
      return exchange.stream[kind](topics, id)
    },
    /** The question an answer belongs to; an answer without an id belongs to the oldest. */
    answered(answer: number | null): Acked | undefined {
      const key = answer ?? pending.keys().next().value
      if (key === undefined) return undefined
      const found = pending.get(key)
      pending.delete(key)
      return found
    },
    /** When the oldest unanswered message was sent. */
    oldest: (): number | undefined => pending.values().next().value?.sentAt,
    idle: (): boolean => !pending.size && !joining.size && !leaving.size,
    more: (): boolean => joining.size + leaving.size > 0,
    /** Topics asked for on this connection. */
    count: (): number => active.size + joining.size,
  }
}
