import type { BookUpdate } from '../domain/book.ts'
import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import type { BookTop, Ticker } from '../domain/ticker.ts'
import type { TradeBatch } from '../domain/trade.ts'

/** State of one market's feed. `down`: nothing is promised until the next `up`. */
export interface FeedState extends MarketId {
  readonly state: 'up' | 'down'
  readonly reason: string
  /** Our clock, ms. */
  readonly time: number
}

/** What the exchange's list of markets says anew of one of them. */
export interface MarketChange extends MarketId {
  readonly change: 'listed' | 'halted' | 'resumed' | 'renamed' | 'delisted'
  /** The symbol it had before a rename. */
  readonly before?: string
  /** When it was noticed, our clock, ms. */
  readonly time: number
}

/** History of a market that has just been written to the store: larger candles that touch it must be made anew. */
export interface Filled extends MarketId, Interval {
  readonly timeframe: string
  readonly candles: number
  /** Stored candles were corrected: those still in memory, open ones too, are to be made anew from the store. */
  readonly repaired?: true
}

/** A stretch about which nothing is known any more, though it had been given out as known. */
export interface Gap extends MarketId, Interval {}

/** What flows on the bus. Every event belongs to one market. */
export interface Topics {
  trades: TradeBatch
  /** The exchange's own candles as it streams them. */
  exchangeCandles: Candle
  tickers: Ticker
  tops: BookTop
  books: BookUpdate
  feed: FeedState
  markets: MarketChange
  filled: Filled
  gaps: Gap
  /** Ours: forming and closed, every timeframe. */
  candles: Candle
}

export type Topic = keyof Topics
export type Batch<T extends Topic> = readonly Topics[T][]

/** The event log between roles. */
export interface Bus {
  /**
   * Hands events to every group. Events of one market keep their order.
   * Resolves when each group has taken them in, or a log has them for all groups. Without a log it waits while a group
   * is full, so a slow reader slows the writer.
   */
  publish<T extends Topic>(topic: T, events: Batch<T>): Promise<void>
  /**
   * Batches of a topic from this call on (not from the first `next`); a group that a log knows already goes on where it
   * stopped, in whatever process. Asking for the next batch commits the one before.
   * Ends when the signal aborts, after the batches already taken in. A group has one reader in a process.
   */
  subscribe<T extends Topic>(topic: T, group: string, signal: AbortSignal): AsyncIterable<Batch<T>>
  /** Events waiting per topic and group, for metrics. */
  depth(): { topic: Topic; group: string; events: number }[]
}
