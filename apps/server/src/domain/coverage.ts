import type { MarketId } from './market.ts'

/** `complete`: everything that traded is here. `quiet`: the feed was healthy, nothing traded. `unknown`: nobody can say. */
export type CoverageState = 'complete' | 'quiet' | 'unknown'

/** `[from, to)`, ms. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** What is known of a series (`trades`, or a timeframe whose candles came from the exchange) in an interval. */
export interface Coverage extends MarketId, Interval {
  readonly series: string
  readonly state: CoverageState
}
