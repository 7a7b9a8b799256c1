import { type Candle, contradict } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { foldTrades, rollUp } from '../domain/fold.ts'
import type { MarketId } from '../domain/market.ts'
import { DAY, divides, MINUTE, nextOpen, openTime, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'
import { composeHistory } from './history.ts'
import type { Lane } from './lane.ts'

/**
 * Makes the candles of one timeframe that touch `range` anew from what is stored of smaller ones, and stores those that
 * are new or differ. Candles that end after `until` and those with an unknown part are left alone.
 * Answers the ones that revise a stored candle.
 */
export async function rebuild(
  store: Store,
  market: MarketId,
  frame: Timeframe,
  range: Interval,
  until: number,
  frames: readonly Timeframe[],
): Promise<Candle[]> {
  const from = openTime(frame, range.from)
  const last = openTime(frame, Math.min(range.to, until) - 1)
  const end = nextOpen(frame, last)
  const to = end <= until ? end : last
  if (from >= to) return []
  const smaller = frames.filter((one) => divides(one, frame))
  const fold = frame.ms && frame.ms < MINUTE ? frame : timeframe('1m')
  const { candles, unknown } = await composeHistory(store, market, { from, to }, smaller, fold)
  const isWhole = ({ time }: Candle) => !unknown.some((part) => part.from < nextOpen(frame, time) && part.to > time)
  const rolled = rollUp(candles, frame).filter(isWhole)
  const made = frame.ms && frame.ms <= MINUTE ? await refold(store, market, frame, rolled) : rolled
  const stored = await store.candles({ ...market, timeframe: frame.code }, { from, to: to - 1 })
  const before = new Map(stored.map((candle) => [candle.time, candle]))
  const fresh = made.filter(({ time }) => !before.has(time))
  const revised = made.flatMap((candle) => {
    const old = before.get(candle.time)
    return old && contradict(old, candle) ? [{ ...candle, revision: old.revision + 1 }] : []
  })
  if (fresh.length + revised.length > 0) await store.putCandles([...fresh, ...revised])
  return revised
}

/**
 * Candles of up to a minute as their own trades make them, where these are stored: smaller candles do not tell the order
 * of trades that came late. Old trades are deleted; then there are fewer than the candle counts.
 */
async function refold(store: Store, market: MarketId, frame: Timeframe, rolled: readonly Candle[]): Promise<Candle[]> {
  const made: Candle[] = []
  const minute = timeframe('1m')
  for (const [open, group] of Map.groupBy(rolled, ({ time }) => openTime(minute, time))) {
    const trades = await store.trades(market, { from: open, to: nextOpen(minute, open) })
    const folded = new Map(foldTrades(trades, frame).map((candle) => [candle.time, candle]))
    for (const candle of group) {
      const own = folded.get(candle.time)
      made.push(own && own.trades >= candle.trades ? own : candle)
    }
  }
  return made
}

/** Where the store had no candle of a timeframe, recorded trades are looked for so far back, ms. */
const LOOK_BACK_MS = 7 * DAY

/**
 * The candles between the newest that an earlier process stored of each timeframe and the live trades: it may have stored
 * trades whose candles it had not closed. Answers the revisions.
 */
export async function makeMissing(
  store: Store,
  market: MarketId,
  lanes: readonly Lane[],
  liveFrom: number,
  frames: readonly Timeframe[],
): Promise<Candle[]> {
  const revised: Candle[] = []
  const lookBack = { from: liveFrom - LOOK_BACK_MS, to: liveFrom }
  const [recorded] = await store.coverage(market, 'trades', lookBack)
  for (const { frame, storedTo } of lanes) {
    const from = Number.isFinite(storedTo) ? storedTo : recorded?.from
    if (from === undefined || from >= liveFrom) continue
    revised.push(...(await rebuild(store, market, frame, { from, to: liveFrom }, liveFrom, frames)))
  }
  return revised
}
