import type { Interval } from '../domain/coverage.ts'
import { foldTrades, rollUp } from '../domain/fold.ts'
import { subtract } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import { nextOpen, openTime, type Timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'
import { lineage } from './ladder.ts'

/** The parts of an interval that the stored trades do not cover. */
export async function uncovered(
  store: Store,
  market: MarketId,
  range: Interval,
  series = 'trades',
): Promise<Interval[]> {
  const coverage = await store.coverage(market, series, range)
  return subtract(
    [range],
    coverage.filter(({ state }) => state !== 'unknown'),
  )
}

/**
 * Makes anew, from what the store holds, the candle of each frame at each of these times, smallest frame first.
 * Answers for each frame the open times made, and those that the stored trades do not cover whole.
 */
export async function rebuild(
  store: Store,
  market: MarketId,
  frames: readonly Timeframe[],
  times: Iterable<number>,
): Promise<Map<string, { made: number[]; partial: number[] }>> {
  const moments = [...times]
  const rungs = lineage(frames)
  const results = new Map<string, { made: number[]; partial: number[] }>()
  for (const { frame } of rungs) {
    const result = { made: [] as number[], partial: [] as number[] }
    results.set(frame.code, result)
    for (const open of new Set(moments.map((time) => openTime(frame, time)))) {
      const gaps = await uncovered(store, market, { from: open, to: nextOpen(frame, open) })
      if (gaps.length) result.partial.push(open)
      else if (await makeCandle(store, market, rungs, frame, open)) result.made.push(open)
    }
  }
  return results
}

/** Whether something traded in it. Smaller candles that were never made (an import with fewer timeframes) are made first. */
async function makeCandle(
  store: Store,
  market: MarketId,
  rungs: ReturnType<typeof lineage>,
  frame: Timeframe,
  open: number,
): Promise<boolean> {
  const range = { from: open, to: nextOpen(frame, open) }
  const from = rungs.find((rung) => rung.frame.code === frame.code)?.from
  if (from) await makeMissing(store, market, rungs, from, range)
  const candles = from
    ? rollUp(await store.candles({ ...market, timeframe: from.code }, { from: open, to: range.to - 1 }), frame)
    : foldTrades(await store.trades(market, range), frame)
  if (candles.length) await store.putCandles(candles)
  return candles.length > 0
}

async function makeMissing(
  store: Store,
  market: MarketId,
  rungs: ReturnType<typeof lineage>,
  frame: Timeframe,
  range: Interval,
): Promise<void> {
  const stored = await store.candles({ ...market, timeframe: frame.code }, { from: range.from, to: range.to - 1 })
  const present = new Set(stored.map(({ time }) => time))
  for (let open = range.from; open < range.to; open = nextOpen(frame, open)) {
    if (present.has(open)) continue
    const [traded] = await store.trades(market, { from: open, to: nextOpen(frame, open), limit: 1 })
    if (traded) await makeCandle(store, market, rungs, frame, open)
  }
}
