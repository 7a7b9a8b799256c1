import { openHistory } from '../../src/cli/history.ts'
import type { Interval } from '../../src/domain/coverage.ts'
import { union } from '../../src/domain/intervals.ts'
import { nextOpen, timeframe } from '../../src/domain/timeframe.ts'
import type { Series, Store } from '../../src/store/store.ts'
import { at, UNPROVEN_MS } from './stillness.ts'

/** What nobody can say about a market, exchange ms. */
interface Doubt {
  /** When the exchange stood still. */
  readonly halts: readonly Interval[]
  /** What coverage says of it. */
  readonly unknown: readonly Interval[]
}

/**
 * What is wrong with the candles that a reader is shown between `from` and `to`, flat ones drawn from coverage among them:
 * none may lie in a standstill of a minute or more, and elsewhere none may be left out, but for those that touch a stretch
 * called unknown, and those after it up to the next trade, for the price may have moved in it.
 */
export async function servedFaults(
  store: Store,
  series: Series,
  { from, to }: Interval,
  { halts, unknown }: Doubt,
): Promise<string[]> {
  const faults: string[] = []
  const frame = timeframe(series.timeframe)
  const history = await openHistory(store, series, frame)
  if (!history) return faults
  const still = union(halts).filter((halt) => halt.to - halt.from >= UNPROVEN_MS)
  const shown = []
  for await (const { candles } of history.pages({ from, to })) shown.push(...candles)
  const inside = ({ time }: { time: number }) =>
    still.some((halt) => halt.from <= time && nextOpen(frame, time) <= halt.to)
  for (const candle of shown)
    if (candle.volume === 0 && inside(candle)) faults.push(`${at(candle.time)} is flat, when the exchange stood still`)
  let reached = shown[0]?.time ?? to
  for (const { time } of shown) {
    const gap = { from: reached, to: time }
    reached = nextOpen(frame, time)
    if (gap.from < gap.to && !unknown.some((part) => part.from < gap.to && gap.from < part.to))
      faults.push(`nothing is shown from ${at(gap.from)} to ${at(gap.to)}`)
  }
  return faults
}
