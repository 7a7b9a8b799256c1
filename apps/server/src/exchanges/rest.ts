import type { BreakerState } from './breaker.ts'
import type { Exchange, RestRequest } from './exchange.ts'

/** How much of the budget is used and how the exchange treats us. */
export interface Usage {
  readonly used: number
  readonly limit: number
  /** No request leaves before this time, ms; 0 when free. */
  readonly blockedUntil: number
  readonly consecutiveLimits: number
  /** `open`: it failed repeatedly and is left alone for a while; `half-open`: single requests try it again. */
  readonly breaker?: BreakerState
  readonly requests: number
  readonly failures: number
}

/** Sends an exchange's requests within its budget. One per exchange in a process, shared by all who ask. */
export interface RestClient {
  readonly exchange: Exchange
  /**
   * Waits for budget, asks, reads. `live` requests (refill, clock) go ahead of `backfill` ones.
   * Retries what a retry can help; rejects with `EXCHANGE_*` failures, or the signal's reason.
   */
  ask<T>(request: RestRequest<T>, options?: { priority?: 'live' | 'backfill'; signal?: AbortSignal }): Promise<T>
  usage(): Usage
}
