import { createBudget, type SharedBudget, type Taking } from '../lib/budget.ts'
import { type Cache, type ChannelMessage, type Channels, REMEMBER_MS } from './cache.ts'
import { recent } from './recent.ts'

/** Texts and ids that are kept; then the oldest go. */
const MAX_VALUES = 10_000
const MAX_IDS = 200_000

export type Listener = (channel: string, payload: string) => void

/** The cache and the channels of a single process. `listen` hears every channel until the returned function is called. */
export function memoryCache({
  now = Date.now,
}: {
  now?: () => number
} = {}): Cache & Channels & { listen(listener: Listener): () => void } {
  const values = new Map<string, { readonly value: string; readonly until: number }>()
  const ids = recent({ capacity: MAX_IDS, keepMs: REMEMBER_MS, now })
  const budgets = new Map<string, SharedBudget>()
  const listeners = new Set<Listener>()

  function publishOne({ channel, payload, id }: ChannelMessage): number {
    if (id !== undefined && ids.add(`${channel}:${id}`)) return -1
    for (const listener of listeners) listener(channel, payload)
    return listeners.size
  }

  return {
    async set(key, value, ttlMs) {
      values.delete(key)
      values.set(key, { value, until: now() + ttlMs })
      const [oldest] = values.keys()
      if (values.size > MAX_VALUES && oldest !== undefined) values.delete(oldest)
    },
    async get(key) {
      const found = values.get(key)
      if (found && found.until > now()) return found.value
      values.delete(key)
      return undefined
    },
    seen: async (eventIds) => eventIds.map(ids.add),
    forget: async (eventIds) => eventIds.forEach(ids.delete),
    budget(exchange, windowMs) {
      const known = budgets.get(exchange) ?? ownBudget(windowMs, now)
      budgets.set(exchange, known)
      return known
    },
    publish: async (messages) => messages.map(publishOne),
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    status: () => ({ connected: true, latencyMs: 0 }),
    ping: async () => {},
    close: async () => {},
  }
}

/** A budget that is shared within one process only. */
function ownBudget(windowMs: number, now: () => number): SharedBudget {
  const budget = createBudget({ windowMs, now })
  const open = new Map<string, ReturnType<typeof budget.take>>()
  let blocked = 0
  let order = 0

  function leave(weight: number): string {
    const ticket = String(++order)
    open.set(ticket, budget.take(weight))
    return ticket
  }
  /** When a request under way must end first, nobody tells when it does. */
  const askAgain = Math.max(1, Math.min(100, windowMs / 20))

  return {
    async take(weight, cap): Promise<Taking> {
      const blockedMs = Math.max(0, blocked - now())
      const wait = budget.waitFor(weight, cap)
      const waitMs = Math.max(blockedMs, Number.isFinite(wait) ? wait : askAgain)
      const pass = waitMs <= 0 ? { ticket: leave(weight) } : {}
      return { ...pass, waitMs, blockedMs, used: budget.used(), processes: 1 }
    },
    async settle(ticket, reported) {
      open.get(ticket)?.settle(reported)
      open.delete(ticket)
    },
    async block(ms) {
      blocked = Math.max(blocked, now() + ms)
    },
  }
}
