import type { Candle } from '../domain/candle.ts'
import { covers, type Interval, knownIntervals } from '../domain/coverage.ts'
import { foldTrades } from '../domain/fold.ts'
import { missing, subtract } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import { bySize, nextOpen, openTime, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'

/** Stored trades are read minute by minute, so that a long stretch does not fill memory. */
const STRETCH = timeframe('1m')

export interface History {
  /** Candles that traded, ascending, side by side. */
  readonly candles: Candle[]
  /** Where the store can't tell what traded. */
  readonly unknown: Interval[]
}

type HistoryStore = Pick<Store, 'candles' | 'trades' | 'coverage'>

/** Timeframes of which a store may hold candles, smallest first. */
export const historyFrames = (enabled: readonly string[]): Timeframe[] =>
  [...new Set([...enabled, '1m', '1h', '1d'])].map(timeframe).sort(bySize)

/**
 * What the store knows of `[from, to)`: the largest stored candles that fit, then smaller ones, then trades that were
 * recorded but whose candles were not (the process stopped in between). A stored candle counts where any coverage
 * holds it; the lack of one means that nothing traded where that timeframe's own series is covered.
 * `fold` is what trades are made into, a minute or a part of one.
 */
export async function composeHistory(
  store: HistoryStore,
  market: MarketId,
  range: Interval,
  frames: readonly Timeframe[],
  fold: Timeframe = STRETCH,
): Promise<History> {
  const descending = frames.toSorted((a, b) => bySize(b, a))
  const coverage = new Map<string, Interval[]>()
  const all = []
  for (const series of ['trades', ...frames.map(({ code }) => code)]) {
    const part = await store.coverage(market, series, range)
    coverage.set(series, knownIntervals(series === 'trades' ? part.filter(({ state }) => state === 'quiet') : part))
    if (series === 'trades') coverage.set('recorded', knownIntervals(part))
    all.push(...part)
  }
  const known = knownIntervals(all)
  const recorded = coverage.get('recorded') ?? []
  const found: History = { candles: [], unknown: [] }

  /** Takes what the frame at `index` has of a stretch; the rest goes to the smaller ones. */
  async function take({ from, to }: Interval, index: number): Promise<void> {
    const frame = descending[index]
    if (from >= to) return
    if (!frame) return takeTrades({ from, to })
    const opened = openTime(frame, from)
    const first = opened < from ? nextOpen(frame, opened) : from
    const last = openTime(frame, to)
    if (first >= last) return take({ from, to }, index + 1)
    await take({ from, to: first }, index + 1)
    let next = first
    for (const candle of await store.candles({ ...market, timeframe: frame.code }, { from: first, to: last - 1 })) {
      const end = nextOpen(frame, candle.time)
      if (!covers(known, candle.time, end)) continue
      await takeAbsent({ from: next, to: candle.time }, frame, index)
      if (candle.volume > 0) found.candles.push(candle)
      next = end
    }
    await takeAbsent({ from: next, to: last }, frame, index)
    await take({ from: last, to }, index + 1)
  }

  async function takeAbsent(stretch: Interval, frame: Timeframe, index: number): Promise<void> {
    const quiet = [...(coverage.get(frame.code) ?? []), ...(coverage.get('trades') ?? [])]
    for (const gap of missing(stretch, quiet)) await take(gap, index + 1)
  }

  async function takeTrades(stretch: Interval): Promise<void> {
    const unknown = missing(stretch, recorded)
    found.unknown.push(...unknown)
    for (const { from, to } of subtract([stretch], unknown)) {
      for (let at = from, next = at; at < to; at = next) {
        next = nextOpen(STRETCH, openTime(STRETCH, at))
        const trades = await store.trades(market, { from: at, to: Math.min(next, to) })
        found.candles.push(...foldTrades(trades, fold))
      }
    }
  }

  await take(range, 0)
  return found
}
