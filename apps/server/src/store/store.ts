import type { Candle } from '../domain/candle.ts'
import type { Coverage, Interval } from '../domain/coverage.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Market, MarketId } from '../domain/market.ts'
import type { Message } from '../domain/message.ts'
import type { Trade } from '../domain/trade.ts'

export interface Series extends MarketId {
  readonly timeframe: string
}

/** Open times from `from` to `to`, both inclusive, ms. `newest`: keep the last `limit` rather than the first. */
export interface CandleRange {
  readonly from?: number
  readonly to?: number
  readonly limit?: number
  readonly newest?: boolean
  /** Candles as they were known at this time of our clock, ms; those first known after it are absent. */
  readonly asOf?: number
}

/** What a candle said from `knownAt` until it was replaced. */
export interface Revision {
  readonly candle: Candle
  /** Our clock, ms; for one candle it grows with each revision. 0 where the store did not keep it yet. */
  readonly knownAt: number
}

/** A market with stored trades, and the times of the first and last of them, ms. */
export interface TradedMarket extends MarketId {
  readonly first: number
  readonly last: number
}

/** A unit of backfill that survives a restart. */
export interface Job extends MarketId, Interval {
  readonly id: string
  readonly timeframe: string
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  /** Everything before it is fetched, ms. */
  readonly cursor: number
  readonly requestsPlanned: number
  readonly requestsDone: number
  readonly candlesWritten: number
  readonly errors: readonly string[]
  readonly createdAt: number
  readonly updatedAt: number
}

/** History. Writes resolve when they are committed. All times in ms. Rejects with `STORE_UNAVAILABLE`. */
export interface Store {
  /**
   * Upserts closed candles by series and time; a lower revision never replaces a higher one, equal rows write nothing.
   * What a row said before it was replaced is kept, with the time at which it became known.
   * A list that names a candle twice is as good as two calls. Rejects with `INVALID_PARAMETER`, and stores nothing,
   * when one of them is still forming or opens within a second.
   */
  putCandles(candles: readonly Candle[]): Promise<void>
  /** Ascending by time. */
  candles(series: Series, range: CandleRange): Promise<Candle[]>
  /** Everything that the candle opening at `time` ever said, oldest first, as it is now last; empty when there is none. */
  revisions(series: Series, time: number): Promise<Revision[]>
  /**
   * Deletes what candles said until they were replaced before `before`, ms; returns how many such revisions. As of a
   * time before that, a candle that was replaced since then is absent.
   */
  pruneRevisions(before: number): Promise<number>
  /** Every series that has candles, with its first and last open time. */
  series(): Promise<(Series & { first: number; last: number; count: number })[]>

  /**
   * Adds trades by market and id: putting one twice changes nothing, the first stays. `covered`: what they complete, as by
   * `cover`, in the same transaction, so that coverage never claims what is not stored, nor keeps silent about what is.
   */
  putTrades(trades: readonly Trade[], covered?: readonly Coverage[]): Promise<void>
  /**
   * By trade time, `[from, to)`, in id order; trades whose ids are only names by time, then in the order they were put.
   * `limit` keeps the earliest by time: to go on, ask again from the time of the last one and leave out what is known.
   */
  trades(market: MarketId, range: Interval & { limit?: number }): Promise<Trade[]>
  /** The trade with the highest counted id. */
  lastTrade(market: MarketId): Promise<Trade | undefined>
  /** Deletes trades older than `before`; returns how many. */
  pruneTrades(before: number): Promise<number>

  tradedMarkets(): Promise<TradedMarket[]>

  /** Replaces ledger rows by market and day. */
  putLedger(rows: readonly LedgerRow[]): Promise<void>
  /** The rows of days that begin in `[from, to)`, ascending. */
  ledger(market: MarketId, range: Interval): Promise<LedgerRow[]>

  /** Overlays intervals on what is known; later calls win where they overlap; neighbours of one state are joined. */
  cover(intervals: readonly Coverage[]): Promise<void>
  /** What is known in `[from, to)`, clipped to it, ascending; parts never mentioned are absent. */
  coverage(market: MarketId, series: string, range: Interval): Promise<Coverage[]>

  putJob(job: Job): Promise<void>
  job(id: string): Promise<Job | undefined>
  /** Newest first. */
  jobs(filter?: { state?: Job['state'] }): Promise<Job[]>
  /** Deletes jobs that are over and were last updated before `before`, ms; returns how many. */
  pruneJobs(before: number): Promise<number>

  /** Resolves when the store answers and its newest write was kept; rejects with `STORE_UNAVAILABLE`. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** Times from `from` to `to`, both inclusive, ms. `newest`: keep the last `limit` rather than the first. */
export interface MessageRange {
  readonly topic: string
  readonly symbol?: string
  readonly from?: number
  readonly to?: number
  readonly limit?: number
  readonly newest?: boolean
}

/** What passed through from other services. Rejects with `STORE_UNAVAILABLE`. */
export interface MessageStore {
  /** Adds messages by topic and id: putting one twice changes nothing, the first stays. */
  putMessages(messages: readonly Message[]): Promise<void>
  /** Ascending by time, then in the order they were put. */
  messages(range: MessageRange): Promise<Message[]>
}

/** What exchanges say of their markets, for other programs that read the store. Rejects with `STORE_UNAVAILABLE`. */
export interface MarketStore {
  /** The whole list of an exchange: a market of it that is not named is no longer active. An empty one changes nothing. */
  putMarkets(markets: readonly Market[]): Promise<void>
}

/** What a server keeps; some have tables for other programs. */
export type ServerStore = Store & MessageStore & Partial<MarketStore>
