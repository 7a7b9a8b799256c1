import type { SeriesCoverage } from '@candlewire/protocol'
import type { Backfill } from '../backfill/backfill.ts'
import { missing } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import { HOUR, MINUTE, openTime, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'

/** How complete the 1m candles of a market are over the last hours: from trades or from the exchange's own candles. */
export async function completeness(
  store: Store,
  backfill: Backfill,
  market: MarketId,
  lookbackHours: number,
  now: number,
): Promise<SeriesCoverage> {
  const minute = timeframe('1m')
  const range = { from: openTime(minute, now - lookbackHours * HOUR), to: openTime(minute, now) }
  const known = await Promise.all(['trades', '1m'].map((series) => store.coverage(market, series, range)))
  const gaps = missing(
    range,
    known.flat().filter(({ state }) => state !== 'unknown'),
  )
  const expected = (range.to - range.from) / MINUTE
  const lacking = gaps.reduce((sum, gap) => sum + Math.ceil(gap.to / MINUTE) - Math.floor(gap.from / MINUTE), 0)
  const absent = Math.min(expected, lacking)
  const plan = await backfill.plan({ symbol: market.symbol, timeframe: '1m', ...range })
  return {
    ...market,
    timeframe: '1m',
    from: iso(range.from),
    to: iso(range.to),
    expected,
    present: expected - absent,
    missing: absent,
    coverage: Math.round((1 - absent / expected) * 1e4) / 1e4,
    gaps: gaps.map(({ from, to }) => ({ from: iso(from), to: iso(to) })),
    estimated_seconds: Math.round(plan.seconds * 10) / 10,
  }
}

const iso = (time: number): string => new Date(time).toISOString()
