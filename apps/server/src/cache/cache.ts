import type { MarketId } from '../domain/market.ts'
import type { SharedBudget } from '../lib/budget.ts'

/** How a cache's server is doing. */
export interface CacheStatus {
  readonly connected: boolean
  /** Time of the last answer, ms; absent before the first one. */
  readonly latencyMs?: number
  readonly lastError?: string
}

/** Newest state, what was seen already, and budgets: all that processes share and nobody needs for ever. */
export interface Cache {
  /** Keeps a text for `ttlMs`. A cache that does not answer keeps nothing: that is counted, not an error. */
  set(key: string, value: string, ttlMs: number): Promise<void>
  /** Absent when it is not there, too old, or the cache does not answer. */
  get(key: string): Promise<string | undefined>
  /**
   * For each id whether it was asked about before, by any process, in the last hour. Of several that ask at once
   * exactly one is told no. While the cache does not answer, only this process's own memory is asked.
   */
  seen(eventIds: readonly string[]): Promise<boolean[]>
  /** Takes back what `seen` noted: nothing came of the event. */
  forget(eventIds: readonly string[]): Promise<void>
  /** The request budget of an exchange. */
  budget(exchange: string, windowMs: number): SharedBudget
  status(): CacheStatus
  /** Rejects with `CACHE_UNAVAILABLE`. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** A text for all who listen to a channel at this moment. */
export interface ChannelMessage {
  readonly channel: string
  readonly payload: string
  /** A message with an id that was published on this channel in the last hour is left out. */
  readonly id?: string
}

/** Channels without memory: who does not listen misses what is said. */
export interface Channels {
  /**
   * Publishes in order. Gives for each message the number of listeners, or -1 when its id was published before.
   * Rejects with `CACHE_UNAVAILABLE`; then some of the first may be out, and repeating the call doubles none that has an id.
   */
  publish(messages: readonly ChannelMessage[]): Promise<number[]>
}

/** How long ids are remembered, ms. */
export const REMEMBER_MS = 60 * 60_000

export const tickerKey = ({ exchange, symbol }: MarketId): string => `cache:ticker:${exchange}:${symbol}`
export const bookKey = ({ exchange, symbol }: MarketId, depth: number): string =>
  `cache:orderbook:${exchange}:${symbol}:${depth}`
export const klinesKey = ({ exchange, symbol }: MarketId, timeframe: string, limit: number): string =>
  `cache:klines:${exchange}:${symbol}:${timeframe}:${limit}`
