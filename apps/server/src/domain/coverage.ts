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

/** Where at least one of the intervals is `complete` or `quiet`, ascending, neighbours joined. */
export function knownIntervals(coverage: readonly Coverage[]): Interval[] {
  const known: Interval[] = []
  const sorted = coverage.filter(({ state }) => state !== 'unknown').sort((a, b) => a.from - b.from)
  for (const { from, to } of sorted) {
    const last = known.at(-1)
    if (last && from <= last.to) known[known.length - 1] = { from: last.from, to: Math.max(last.to, to) }
    else if (from < to) known.push({ from, to })
  }
  return known
}

/** Whether one of the joined intervals holds all of `[from, to)`. */
export const covers = (known: readonly Interval[], from: number, to: number): boolean =>
  known.some((interval) => interval.from <= from && to <= interval.to)
