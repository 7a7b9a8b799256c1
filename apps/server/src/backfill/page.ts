import type { Candle } from '../domain/candle.ts'
import type { Coverage, Interval } from '../domain/coverage.ts'
import { nextOpen, openTime, timeframe } from '../domain/timeframe.ts'

/** A page of candles, looked through: what can be stored, and what it says of the range that was asked for. */
export interface Checked {
  readonly good: readonly Candle[]
  readonly bad: readonly { readonly candle: Candle; readonly reason: string }[]
  readonly coverage: readonly Coverage[]
}

/** Keeps closed candles that lie on the grid in ascending order with sound prices. Where no good candle is, the series is unknown. */
export function checkPage(candles: readonly Candle[], asked: Interval & Omit<Coverage, 'state'>): Checked {
  const frame = timeframe(asked.series)
  const good: Candle[] = []
  const bad: { candle: Candle; reason: string }[] = []
  const coverage: Coverage[] = []
  let reached = asked.from
  const cover = (from: number, to: number, state: Coverage['state']) => {
    const last = coverage.at(-1)
    if (from >= to) return
    if (last && last.state === state && last.to === from) coverage[coverage.length - 1] = { ...last, to }
    else coverage.push({ ...asked, from, to, state })
  }
  for (const candle of candles) {
    if (!candle.closed || candle.time >= asked.to) continue
    const reason = fault(candle, reached, openTime(frame, candle.time))
    if (reason) {
      bad.push({ candle, reason })
      continue
    }
    const end = nextOpen(frame, candle.time)
    cover(reached, candle.time, 'unknown')
    cover(candle.time, end, 'complete')
    good.push(candle)
    reached = end
  }
  cover(reached, asked.to, 'unknown')
  return { good, bad, coverage }
}

function fault(candle: Candle, earliest: number, open: number): string | undefined {
  const { time, low, high, volume, quoteVolume } = candle
  if (time !== open) return 'off the grid'
  if (time < earliest) return 'out of order'
  if (!(Math.min(candle.open, candle.close) >= low && Math.max(candle.open, candle.close) <= high)) return 'prices'
  if (!(low > 0 && volume >= 0 && quoteVolume >= 0)) return 'figures'
  return undefined
}
