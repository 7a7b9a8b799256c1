import type { BookUpdate } from '../domain/book.ts'
import type { Candle } from '../domain/candle.ts'
import type { Market } from '../domain/market.ts'
import type { BookTop, Ticker } from '../domain/ticker.ts'
import type { Trade } from '../domain/trade.ts'

/** What may be streamed of a market. `candles` needs a timeframe. */
export type Channel = 'trades' | 'candles' | 'ticker' | 'top' | 'depth'

export interface StreamRequest {
  readonly channel: Channel
  readonly symbol: string
  readonly timeframe?: string
}

/** One thing a frame says. */
export type StreamEvent =
  | Trade
  | (Candle & { readonly type: 'candle' })
  | Ticker
  | BookTop
  | BookUpdate
  /** The answer to a control message of ours; `error` is set when it was refused. */
  | { readonly type: 'ack'; readonly id: number | null; readonly error?: string }
  /** The exchange is about to close the connection. */
  | { readonly type: 'shutdown' }
  /** The frame keeps the connection alive and says nothing else. */
  | { readonly type: 'pong' }
  /** The frame could not be understood; it is to be counted and kept aside. `unknown`: well-formed, of a kind we don't know.
   * `market`: whose trade it would have been, where that can be told. */
  | { readonly type: 'malformed' | 'unknown'; readonly reason: string; readonly market?: string }

/** Something in a frame that the exchange's documentation does not tell of, and that does no harm. `what` has few values. */
export interface Unfamiliar {
  readonly symbol: string
  readonly kind: 'unknown field' | 'time unit'
  readonly what: string
}

/** A request as data: what to ask, what it costs, how to read the answer. `read` throws a plain Error on a bad body; `received` in ms. */
export interface RestRequest<T> {
  readonly path: string
  readonly query: Readonly<Record<string, string | number>>
  readonly headers?: Readonly<Record<string, string>>
  /** In the exchange's own unit of cost. */
  readonly weight: number
  readonly read: (body: unknown, received: number) => T
}

export interface Range {
  readonly symbol: string
  /** Open or trade time, ms, both inclusive. */
  readonly from?: number
  readonly to?: number
  readonly limit?: number
}

/** A venue: addresses, limits, channels, and pure functions between its messages and our domain. It owns no socket or clock. */
export interface Exchange {
  readonly id: string
  readonly name: string
  /** Default addresses; the configuration may override each. */
  readonly restUrl: string
  readonly wsUrl: string
  /** Codes of the timeframes it serves itself. */
  readonly timeframes: readonly string[]
  /** Trade ids count up by one per market, so a hole shows. */
  readonly countedIds: boolean
  /** It gives no candle of an interval in which nothing traded, so that the lack of one does not mean it stood still. */
  readonly omitsQuietCandles?: true

  readonly limits: {
    /** Cost allowed per window. */
    readonly weight: number
    readonly weightWindowMs: number
    /** Windows begin at whole multiples of their length by the exchange's clock, and its answers tell the running count. */
    readonly calendarWindows?: true
    readonly candlesPerRequest: number
    readonly tradesPerRequest: number
    /** Markets named in one request, where a request may name several. */
    readonly symbolsPerRequest: number
    readonly streamsPerConnection: number
    readonly messagesPerSecond: number
    readonly topicsPerMessage: number
    readonly connectsPerWindow: number
    readonly connectWindowMs: number
    /** The exchange closes a connection of this age, ms. */
    readonly connectionLifeMs: number
    /** A healthy connection shows some frame or ping at least this often, ms. */
    readonly silenceMs: number
  }

  readonly rest: {
    readonly time: () => RestRequest<number>
    readonly markets: () => RestRequest<Market[]>
    /** Ascending, as the exchange gives them: a forming last candle has `closed: false` when it ends after `now`. */
    readonly candles: (range: Range & { timeframe: string; now: number }) => RestRequest<Candle[]>
    /** Ascending by id from `fromId` on; raw trades. */
    readonly tradesFrom: (query: { symbol: string; fromId: number; limit?: number }) => RestRequest<Trade[]>
    /** Aggregated trades by time, ascending: ids are those of the first raw trade. */
    readonly tradesBetween: (range: Range) => RestRequest<Trade[]>
    readonly recentTrades: (query: { symbol: string; limit?: number }) => RestRequest<Trade[]>
    readonly book: (query: { symbol: string; depth: number }) => RestRequest<BookUpdate>
    readonly ticker: (query: { symbol: string }) => RestRequest<Ticker>
    readonly tickers: () => RestRequest<Ticker[]>
    /** Id of each market's newest trade, -1 where none is known; at most `symbolsPerRequest` markets. */
    readonly newestIds: (query: { symbols: readonly string[] }) => RestRequest<{ symbol: string; id: number }[]>
    /** A signed request that tells what a key may do. Credentials live only in the returned request. */
    readonly account: (query: { key: string; secret: string; now: number }) => RestRequest<{ permissions: string[] }>
  }
  /** Cost used in the running window by the exchange's own count, where a response says so. */
  readonly usedWeight: (headers: Headers) => number | undefined
  /** What an unhappy response means; `waitMs` when it says how long to stay away. */
  readonly refusal: (
    status: number,
    headers: Headers,
    body: string,
    now: number,
  ) => {
    kind: 'limited' | 'banned' | 'busy' | 'refused'
    reason: string
    waitMs?: number
    /** The market asked for does not exist. */
    unknownSymbol?: boolean
  }

  readonly stream: {
    /** Address of a connection, from the base address. */
    readonly url: (base: string) => string
    readonly topic: (request: StreamRequest) => string
    readonly subscribe: (topics: readonly string[], id: number) => string
    readonly unsubscribe: (topics: readonly string[], id: number) => string
    /** Reads one frame. Never throws. `received` in ms. */
    readonly read: (frame: Buffer, received: number) => readonly StreamEvent[]
    /** Trade frames that took the slow path since the start, because their layout is not the one that `read` scans. */
    readonly slowTrades?: () => number
    /** What in a frame is new to us, though it can be read. Slow: for frames that stand out, and samples. Never throws. */
    readonly unfamiliar?: (frame: Buffer) => readonly Unfamiliar[]
    /** A keep-alive message of ours, where the exchange wants one. */
    readonly ping?: { readonly everyMs: number; readonly message: string }
  }
}
