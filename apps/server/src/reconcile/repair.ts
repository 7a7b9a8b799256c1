import type { Bus } from '../bus/bus.ts'
import type { Candle } from '../domain/candle.ts'
import { differing } from '../domain/compare.ts'
import { foldTrades } from '../domain/fold.ts'
import { divides, MINUTE, nextOpen, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import type { Store } from '../store/store.ts'

interface Deps {
  readonly bus: Bus
  readonly store: Store
  /** The timeframes that are kept, each. */
  readonly frames: readonly Timeframe[]
}

/**
 * Stores the better candle as a revision of ours, tells everybody, and has every larger candle made anew. With the
 * trades of it, these are stored too, and the candles shorter than a minute corrected. Rejects as the store.
 */
export async function repair(deps: Deps, ours: Candle, better: Candle, trades: readonly Trade[] = []): Promise<void> {
  const { bus, store } = deps
  const { exchange, symbol, timeframe: code, time } = ours
  const to = nextOpen(timeframe(code), time)
  if (trades.length > 0) await store.putTrades(trades)
  const smaller = await correctSmaller(deps, ours, trades, to)
  const source = better.source === 'trades' ? 'trades' : 'exchange'
  const revised: Candle[] = [...smaller, { ...better, source, closed: true, revision: ours.revision + 1 }]
  await store.putCandles(revised)
  await bus.publish('candles', revised)
  const fill = { exchange, symbol, from: time, to, timeframe: code, candles: revised.length, repaired: true } as const
  await bus.publish('filled', [fill])
}

/** The candles under a minute within `[ours.time, to)` that the trades make otherwise than stored, as revisions. */
async function correctSmaller(
  { store, frames }: Deps,
  ours: Candle,
  trades: readonly Trade[],
  to: number,
): Promise<Candle[]> {
  const revised: Candle[] = []
  if (trades.length === 0) return revised
  const within = frames.filter((one) => one.ms > 0 && one.ms < MINUTE && divides(one, timeframe(ours.timeframe)))
  for (const frame of within) {
    const stored = await store.candles({ ...ours, timeframe: frame.code }, { from: ours.time, to: to - 1 })
    const before = new Map(stored.map((candle) => [candle.time, candle]))
    for (const made of foldTrades(trades, frame)) {
      const old = before.get(made.time)
      if (!old || differing(old, made).length > 0) revised.push({ ...made, revision: (old?.revision ?? 0) + 1 })
    }
  }
  return revised
}
