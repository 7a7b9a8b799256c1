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
  const results = new Map<string, { made: number[]; partial: number[] }>()
  for (const { frame, from } of lineage(frames)) {
    const result = { made: [] as number[], partial: [] as number[] }
    results.set(frame.code, result)
    for (const open of new Set(moments.map((time) => openTime(frame, time)))) {
      const range = { from: open, to: nextOpen(frame, open) }
      if ((await uncovered(store, market, range)).length) {
        result.partial.push(open)
        continue
      }
      const candles = from
        ? rollUp(await store.candles({ ...market, timeframe: from.code }, { from: open, to: range.to - 1 }), frame)
        : foldTrades(await store.trades(market, range), frame)
      if (candles.length === 0) continue
      await store.putCandles(candles)
      result.made.push(open)
    }
  }
  return results
}
