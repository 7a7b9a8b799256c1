import type { Candle } from '../domain/candle.ts'
import { covers, type Interval, knownIntervals } from '../domain/coverage.ts'
import { union } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import { divides, nextOpen, openTime, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'

/** Candles looked at by one read. */
const PAGE = 2_000

/**
 * Stretches in which candles of `code` traded and one of `timeframes` that holds them is absent, though all of it is
 * known and it ended by `until`, ms: the process ended between storing candles and making larger ones of them.
 */
export async function lackingLarger(
  store: Store,
  market: MarketId,
  code: string,
  range: Interval,
  timeframes: readonly string[],
  until: number,
): Promise<Interval[]> {
  const base = timeframe(code)
  const larger = timeframes.filter((one) => one !== code && divides(base, timeframe(one))).map(timeframe)
  const lacking: Interval[] = []
  for (let from = range.from; from < range.to; ) {
    const query = { from, to: range.to - 1, limit: PAGE }
    const candles = await store.candles({ ...market, timeframe: code }, query)
    const last = candles.at(-1)
    if (!last) break
    for (const frame of larger) lacking.push(...(await absent(store, market, base, candles, frame, until)))
    from = nextOpen(base, last.time)
  }
  return union(lacking)
}

/** The windows of `frame` in which one of the candles traded, that are known and stored as no candle. */
async function absent(
  store: Store,
  market: MarketId,
  base: Timeframe,
  candles: readonly Candle[],
  frame: Timeframe,
  until: number,
): Promise<Interval[]> {
  const opens = new Set(candles.filter(({ volume }) => volume > 0).map(({ time }) => openTime(frame, time)))
  const [first, last] = [[...opens][0], [...opens].at(-1)]
  if (first === undefined || last === undefined) return []
  const range = { from: first, to: nextOpen(frame, last) }
  for (const { time } of await store.candles({ ...market, timeframe: frame.code }, { from: first, to: last }))
    opens.delete(time)
  if (opens.size === 0) return []
  const series = ['trades', base.code]
  const known = knownIntervals((await Promise.all(series.map((one) => store.coverage(market, one, range)))).flat())
  return [...opens]
    .map((from) => ({ from, to: nextOpen(frame, from) }))
    .filter(({ from, to }) => to <= until && covers(known, from, to))
}
