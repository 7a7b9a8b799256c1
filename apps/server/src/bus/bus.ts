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
  /** Only of a log that several processes share. */
  readonly process?: Process
}

/** Events of one topic, as they came. */
export type Taken<T extends Topic = Topic> = { [K in T]: { readonly topic: K; readonly events: Batch<K> } }[T]

/** What a worker writes. Nothing of it is to be seen before the step is done. */
export interface Output {
  publish<T extends Topic>(topic: T, events: Batch<T>): void
  /**
   * Keeps all that is remembered of a market at the end of the step, for whoever works on it next. What was kept before is
   * forgotten.
   */
  keep(market: MarketId, state: string): void
}

/** Works on the events of some markets, which no one else works on meanwhile. `F` is the first topic, `M` those beside it. */
export interface Worker<F extends Topic, M extends Topic = never> {
  /**
   * Events of the first topic that came after the market's state was kept. They were worked on, and what that led to is
   * written: only the worker's memory lacks them.
   */
  again(events: Batch<F>): void
  /** One step. Also called without events, now and then. */
  work(taken: readonly Taken<F | M>[], out: Output): Promise<void>
  /** Nobody asks it any more. What it remembers may be wrong: its last step may not have been done. */
  end(): Promise<void>
}

/** Makes a worker of what was kept, as key of a market (`marketKey`) and state. */
export type Begin<F extends Topic, M extends Topic = never> = (
  kept: ReadonlyMap<string, string>,
) => Promise<Worker<F, M>>

/**
 * Reads topics as the group `name`, each event for one of its members, and does each step wholly or not at all: the events
 * count as read, what was published is to be seen and the state is kept, all at once. A step that was lost is done again,
 * by a worker that `begin` makes anew, as it does when markets change hands. A market whose state was never kept is none
 * that events are given `again` of. Resolves when the signal aborts; rejects with any error of the worker but
 * `BUS_UNAVAILABLE`.
 */
export type Process = <F extends Topic, M extends Topic = never>(
  topics: readonly [F, ...M[]],
  name: string,
  begin: Begin<F, M>,
  signal: AbortSignal,
) => Promise<void>
