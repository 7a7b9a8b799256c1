import type { MarketId } from './market.ts'

/**
 * Where a candle comes from: folded from trades, the exchange's own live candle, the exchange's own history,
 * or a flat candle for an interval in which the feed was healthy and nothing traded.
 */
export type CandleSource = 'trades' | 'exchange' | 'backfill' | 'filled'

/** One candle, `[time, end)`. */
export interface Candle extends MarketId {
  readonly timeframe: string
  /** Open time, ms UTC. */
  readonly time: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  /** Base units: the double nearest to the exact sum. `volumeRest` is what that double leaves out, 0 nearly always. */
  readonly volume: number
  readonly volumeRest: number
  /** Quote units, in the same two parts. */
  readonly quoteVolume: number
  readonly quoteVolumeRest: number
  /** Raw trades; 0 also where the exchange does not count them. */
  readonly trades: number
  /** False while the candle is still forming. */
  readonly closed: boolean
  /** Grows by one each time a closed candle is made anew (late trade, repair). */
  readonly revision: number
  readonly source: CandleSource
}

/** A series is one timeframe of one market: `binance:BTCUSDT:1m`. */
export const seriesKey = ({ exchange, symbol, timeframe }: MarketId & { timeframe: string }): string =>
  `${exchange}:${symbol}:${timeframe}`

const PRICES_AND_VOLUME = ['open', 'high', 'low', 'close', 'volume', 'volumeRest'] as const
const TOLD_BY_SOME = ['quoteVolume', 'quoteVolumeRest', 'trades'] as const

/** Whether two accounts of one candle contradict each other. What only one of them tells, as many exchanges give no counts, is none. */
export const contradict = (one: Candle, other: Candle): boolean =>
  PRICES_AND_VOLUME.some((field) => one[field] !== other[field]) ||
  (one.trades > 0 && other.trades > 0 && TOLD_BY_SOME.some((field) => one[field] !== other[field]))
