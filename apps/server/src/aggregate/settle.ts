import type { Candle } from '../domain/candle.ts'
import { covers, type Interval, knownIntervals } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import { bySize, nextOpen, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'
import type { Aggregator } from './aggregator.ts'
import { composeHistory } from './history.ts'

/**
 * Gives a market's waiting candles their beginnings from the store, as far as it knows them by now, and the last price
 * before the live trades. Answers the candles that this completes.
 */
export async function settle(
  store: Store,
  aggregator: Aggregator,
  market: MarketId,
  frames: readonly Timeframe[],
): Promise<Candle[]> {
  const candles: Candle[] = []
  for (const waiting of aggregator.waiting(market)) {
    const own = timeframe(waiting.timeframe)
    const fitting = frames.filter((frame) => frame.code === own.code || bySize(frame, own) < 0)
    if (!(await isCovered(store, market, waiting, fitting))) continue
    const { candles: history, unknown } = await composeHistory(store, market, waiting, fitting)
    if (unknown.length === 0) candles.push(...aggregator.complete(waiting, history).candles)
  }
  if (aggregator.needsClose(market)) await findClose(store, aggregator, market, frames)
  return candles
}

/** Whether it is worth the look: all of the range is covered by one series or another. */
async function isCovered(
  store: Store,
  market: MarketId,
  range: Interval,
  frames: readonly Timeframe[],
): Promise<boolean> {
  const series = ['trades', ...frames.map(({ code }) => code)]
  const coverage = await Promise.all(series.map((one) => store.coverage(market, one, range)))
  return covers(knownIntervals(coverage.flat()), range.from, range.to)
}

/** The last price before the live trades is known when everything from some stored candle up to them is. */
async function findClose(
  store: Store,
  aggregator: Aggregator,
  market: MarketId,
  frames: readonly Timeframe[],
): Promise<void> {
  const to = aggregator.liveFrom(market)
  if (to === undefined) return
  let newest: { end: number; close: number } | undefined
  for (const frame of frames) {
    const [last] = await store.candles({ ...market, timeframe: frame.code }, { to: to - 1, limit: 1, newest: true })
    const end = last ? nextOpen(frame, last.time) : Number.POSITIVE_INFINITY
    if (last && end <= to && (!newest || end > newest.end)) newest = { end, close: last.close }
  }
  if (!newest) return
  const { candles, unknown } = await composeHistory(store, market, { from: newest.end, to }, frames)
  if (unknown.length === 0) aggregator.setClose(market, candles.at(-1)?.close ?? newest.close)
}
