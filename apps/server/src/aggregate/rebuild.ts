import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { rollUp } from '../domain/fold.ts'
import type { MarketId } from '../domain/market.ts'
import { divides, MINUTE, nextOpen, openTime, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'
import { composeHistory } from './history.ts'

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
  const doubtful = new Set(unknown.flatMap((part) => opensIn(frame, part)))
  const made = rollUp(candles, frame).filter(({ time }) => !doubtful.has(time))
  const stored = await store.candles({ ...market, timeframe: frame.code }, { from, to: to - 1 })
  const before = new Map(stored.map((candle) => [candle.time, candle]))
  const fresh = made.filter(({ time }) => !before.has(time))
  const revised = made.flatMap((candle) => {
    const old = before.get(candle.time)
    return old && differ(old, candle) ? [{ ...candle, revision: old.revision + 1 }] : []
  })
  if (fresh.length + revised.length > 0) await store.putCandles([...fresh, ...revised])
  return revised
}

function opensIn(frame: Timeframe, { from, to }: Interval): number[] {
  const opens: number[] = []
  for (let open = openTime(frame, from); open < to; open = nextOpen(frame, open)) opens.push(open)
  return opens
}

const FIELDS = ['open', 'high', 'low', 'close', 'volume', 'volumeRest'] as const

/** Not in what only some sources have: an exchange without counts must not undo counted ones. */
const differ = (a: Candle, b: Candle): boolean => FIELDS.some((field) => a[field] !== b[field])
