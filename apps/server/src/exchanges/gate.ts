import type { Budget } from '../lib/budget.ts'
import { failure } from '../lib/failure.ts'
import type { Breaker } from './breaker.ts'
import type { Granted, Share } from './share.ts'

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
  /** Where other processes spend from the same budget: asked last. */
  readonly share?: Share | undefined
  readonly breaker: Breaker
  readonly now: () => number
  /** A request that would have to wait longer than this for the end of a block is refused at once, ms. */
  readonly patienceMs: number
}

/** The one door through which requests to an exchange leave. */
export function createGate({ exchange, limit, budget, share, breaker, now, patienceMs }: Settings): Gate {
  const queues: Record<Priority, Waiting[]> = { live: [], backfill: [] }
  const caps: Record<Priority, number> = { live: limit, backfill: backfillLimit(limit) }
  let inFlight = 0
  let blocked = 0
  let timer: NodeJS.Timeout | undefined
  /** The share is being asked; until it has answered nothing else leaves. */
  let asking = false

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
    while (!asking) {
      const first = queues.live[0] ?? queues.backfill[0]
      if (!first) return
      const decision = decide(first)
      if (decision === 'go') {
        if (share) return void askShare(share, first)
        remove(first)
        first.go(pass(first.weight))
      } else if ('refuse' in decision) {
        remove(first)
        first.refuse(decision.refuse)
      } else {
        again(decision.again)
        return
      }
    }
  }

  function again(ms: number | undefined): void {
    if (ms !== undefined) timer = setTimeout(pump, Math.max(1, Math.ceil(ms)))
  }

  function remove(waiting: Waiting): void {
    const queue = queues[waiting.priority]
    queue.splice(queue.indexOf(waiting), 1)
  }

  async function askShare(share: Share, first: Waiting): Promise<void> {
    asking = true
    const answer = await share.take(first.weight, caps[first.priority])
    asking = false
    blocked = Math.max(blocked, answer.blockedUntil)
    if (!answer.granted) {
      if (blocked > now()) pump()
      else again(answer.waitMs)
      return
    }
    // While it was asked, who waited may have given up, and the exchange may have said no.
    if (queues[first.priority].includes(first) && decide(first) === 'go') {
      remove(first)
      first.go(pass(first.weight, answer.granted))
    } else answer.granted.settle()
    pump()
  }

  function pass(weight: number, granted?: Granted): Pass {
    inFlight++
    const taken = budget.take(weight)
    return {
      leave(reported) {
        inFlight--
        taken.settle(reported)
        granted?.settle(reported)
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
        remove(waiting)
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
      share?.block(until)
    },
    blockedUntil: () => blocked,
  }
}
