import { failure } from '../lib/failure.ts'
import type { Breaker } from './breaker.ts'
import type { Budget } from './budget.ts'

export type Priority = 'live' | 'backfill'

/** Requests under way at once: the exchange's answers then correct the budget before much more has left. */
const IN_FLIGHT: Readonly<Record<Priority, number>> = { live: 16, backfill: 8 }
/** Part of the budget that backfills leave to live requests. */
const LIVE_RESERVE = 0.05

/** What backfills may use of a limit. */
export const backfillLimit = (limit: number): number => limit - Math.floor(limit * LIVE_RESERVE)
const MAX_WAITING = 10_000

interface Waiting {
  readonly weight: number
  readonly priority: Priority
  readonly go: (pass: Pass) => void
  readonly refuse: (reason: unknown) => void
}

/** Leave to send one request. `leave` must be called once when it has ended. */
export interface Pass {
  leave(reported?: number): void
}

export interface Gate {
  /** Resolves when the request may leave; live ones first, each kind in order. Rejects with a failure or the signal's reason. */
  enter(weight: number, priority: Priority, signal?: AbortSignal): Promise<Pass>
  /** Lets nothing leave before `until`, ms. */
  block(until: number): void
  blockedUntil(): number
}

interface Settings {
  readonly exchange: string
  readonly limit: number
  readonly budget: Budget
  readonly breaker: Breaker
  readonly now: () => number
  /** A request that would have to wait longer than this for the end of a block is refused at once, ms. */
  readonly patienceMs: number
}

/** The one door through which requests to an exchange leave. */
export function createGate({ exchange, limit, budget, breaker, now, patienceMs }: Settings): Gate {
  const queues: Record<Priority, Waiting[]> = { live: [], backfill: [] }
  const caps: Record<Priority, number> = { live: limit, backfill: backfillLimit(limit) }
  let inFlight = 0
  let blocked = 0
  let timer: NodeJS.Timeout | undefined

  /** What the first in the queue gets: a pass, a refusal, or a time to ask again (ms; none when a request must end first). */
  function decide({ weight, priority }: Waiting): 'go' | { refuse: Error } | { again?: number } {
    const state = breaker.state()
    if (state === 'open') {
      return { refuse: failure('EXCHANGE_UNREACHABLE', { exchange, reason: 'it failed repeatedly and gets a pause' }) }
    }
    const pause = blocked - now()
    if (pause > patienceMs) return { refuse: failure('EXCHANGE_LIMITED', { exchange, untilMs: blocked }) }
    if (pause > 0) return { again: pause }
    if (inFlight >= (state === 'half-open' ? 1 : IN_FLIGHT[priority])) return {}
    const wait = budget.waitFor(weight, caps[priority])
    if (wait === 0) return 'go'
    return Number.isFinite(wait) ? { again: wait } : {}
  }

  function pump(): void {
    clearTimeout(timer)
    for (;;) {
      const queue = queues.live.length > 0 ? queues.live : queues.backfill
      const [first] = queue
      if (!first) return
      const decision = decide(first)
      if (decision !== 'go' && !('refuse' in decision)) {
        if (decision.again !== undefined) timer = setTimeout(pump, Math.max(1, Math.ceil(decision.again)))
        return
      }
      queue.shift()
      if (decision === 'go') first.go(pass(first.weight))
      else first.refuse(decision.refuse)
    }
  }

  function pass(weight: number): Pass {
    inFlight++
    const taken = budget.take(weight)
    return {
      leave(reported) {
        inFlight--
        taken.settle(reported)
        pump()
      },
    }
  }

  return {
    enter(weight, priority, signal) {
      const queue = queues[priority]
      const { promise, resolve, reject } = Promise.withResolvers<Pass>()
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (queue.length >= MAX_WAITING) {
        return Promise.reject(failure('EXCHANGE_UNREACHABLE', { exchange, reason: 'too many requests wait already' }))
      }
      const giveUp = () => {
        queue.splice(queue.indexOf(waiting), 1)
        reject(signal?.reason)
        pump()
      }
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          signal?.removeEventListener('abort', giveUp)
          settle(value)
        }
      }
      const waiting: Waiting = { weight, priority, go: settled(resolve), refuse: settled(reject) }
      signal?.addEventListener('abort', giveUp, { once: true })
      queue.push(waiting)
      pump()
      return promise
    },
    block(until) {
      blocked = Math.max(blocked, until)
    },
    blockedUntil: () => blocked,
  }
}
