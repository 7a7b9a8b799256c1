import type { Interval } from '../domain/coverage.ts'
import { missing } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import { DAY, divides, HOUR, openTime, roughMs, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'
import { toGrid } from './plan.ts'

/** One stretch of one series that a market should have. */
export interface Wanted extends Interval {
  readonly timeframe: string
}

/**
 * What of the range is not held, in whole candles: neither as trades, nor as candles of this or a dividing timeframe.
 * What was asked for and the exchange does not have counts as held, unless `again`.
 */
export async function notHeld(
  store: Store,
  market: MarketId,
  code: string,
  range: Interval,
  timeframes: readonly string[],
  again = false,
): Promise<Interval[]> {
  if (range.from >= range.to) return []
  const smaller = timeframes.filter((other) => other !== code && divides(timeframe(other), timeframe(code)))
  const known = await Promise.all(
    ['trades', ...smaller, code].map(async (series) => {
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
  const minuteFrom = openTime(timeframe('1h'), now - lookbackHours * HOUR)
  const frames = timeframes.map(timeframe)
  const earliest = Math.min(minuteFrom, ...frames.map((frame) => openTime(frame, now)))
  const midnight = openTime(timeframe('1d'), now)
  const wanted: Wanted[] = [{ timeframe: '1m', from: minuteFrom, to: openTime(timeframe('1m'), now) }]
  if (earliest < midnight && frames.some((frame) => roughMs(frame) > DAY && openTime(frame, now) < midnight))
    wanted.unshift({ timeframe: '1d', from: openTime(timeframe('1d'), earliest), to: midnight })
  const hoursFrom = Math.max(midnight, openTime(timeframe('1h'), earliest))
  if (hoursFrom < minuteFrom) wanted.unshift({ timeframe: '1h', from: hoursFrom, to: minuteFrom })
  return wanted
}
