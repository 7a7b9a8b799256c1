import type { Interval } from '../domain/coverage.ts'
import { missing } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import { divides, HOUR, openTime, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'
import { toGrid } from './plan.ts'

/** The series that larger candles are rolled up from. */
const BASE = '1m'

/** One stretch of one series that a market should have. */
export interface Wanted extends Interval {
  readonly timeframe: string
}

/**
 * What of the range is not held, in whole candles: neither as trades, nor as
 * candles of this timeframe or of the 1m series, from which larger ones are rolled up.
 * What was asked for and the exchange does not have counts as held, unless `again`.
 */
export async function notHeld(
  store: Store,
  market: MarketId,
  code: string,
  range: Interval,
  again = false,
): Promise<Interval[]> {
  if (range.from >= range.to) return []
  const base = divides(timeframe(BASE), timeframe(code)) ? [BASE] : []
  const known = await Promise.all(
    ['trades', ...base, code].map(async (series) => {
      const coverage = await store.coverage(market, series, range)
      return coverage.filter(({ state }) => state !== 'unknown' || (series === code && !again))
    }),
  )
  return toGrid(code, missing(range, known.flat()))
}

/**
 * What a market needs after a start: 1m candles of the last hours; and for larger candles that are still forming, 1d candles
 * from the earliest of their openings to midnight, and 1h candles from there to where the 1m candles begin.
 */
export function wantedAtStart(timeframes: readonly string[], lookbackHours: number, now: number): Wanted[] {
  const minute = timeframe('1m')
  const hour = timeframe('1h')
  const day = timeframe('1d')
  const minutesFrom = openTime(hour, now - lookbackHours * HOUR)
  const midnight = openTime(day, now)
  const earliest = Math.min(now, ...timeframes.map((code) => openTime(timeframe(code), now)))
  const hoursFrom = Math.max(midnight, openTime(hour, earliest))
  const wanted: Wanted[] = [{ timeframe: '1m', from: minutesFrom, to: openTime(minute, now) }]
  if (hoursFrom < minutesFrom) wanted.unshift({ timeframe: '1h', from: hoursFrom, to: minutesFrom })
  if (earliest < midnight) wanted.unshift({ timeframe: '1d', from: openTime(day, earliest), to: midnight })
  return wanted
}
