import { addTrade, clearBar, END, isEmpty, mergeBar, START, toCandle, WIDTH } from '../domain/bar.ts'
import type { Candle } from '../domain/candle.ts'
import type { MarketId } from '../domain/market.ts'
import { bySize, divides, nextOpen, openTime, type Timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'

/** Each frame, smallest first, with the largest other one that it is made of; none for those made of trades alone. */
export function lineage(frames: readonly Timeframe[]): { frame: Timeframe; from: Timeframe | undefined }[] {
  const sorted = [...frames].sort(bySize)
  return sorted.map((frame, index) => ({
    frame,
    from: sorted.slice(0, index).findLast((smaller) => divides(smaller, frame)),
  }))
}

/**
 * Candles of every frame from one market's trades as they stream by in order of time. A trade touches only the smallest
 * bar; a bar that ends is handed to `onCandle` and merged into the larger ones, the larger after all that they hold.
 */
export interface Ladder {
  /** False when the trade's bar has ended already: the trade is not taken. */
  readonly add: (trade: Trade, order: number) => boolean
  /** Ends every bar that ends by `time`, ms. */
  readonly closeUntil: (time: number) => void
}

export function createLadder(
  market: MarketId,
  frames: readonly Timeframe[],
  onCandle: (candle: Candle, end: number) => void,
): Ladder {
  const rungs = lineage(frames)
  const rows = new Float64Array(rungs.length * WIDTH)
  const larger = rungs.map(({ frame }) =>
    rungs.flatMap(({ from }, index) => (from?.code === frame.code ? [index] : [])),
  )
  const roots = rungs.flatMap(({ from }, index) => (from ? [] : [index]))

  function moveTo(rung: number, time: number): void {
    const at = rung * WIDTH
    if (time < rows[at + END]!) return
    close(rung)
    const { frame } = rungs[rung]!
    const start = openTime(frame, time)
    clearBar(rows, at, start, nextOpen(frame, start))
  }

  function close(rung: number): void {
    const at = rung * WIDTH
    if (isEmpty(rows, at)) return
    const start = rows[at + START]!
    for (const above of larger[rung]!) {
      moveTo(above, start)
      mergeBar(rows, above * WIDTH, rows, at)
    }
    onCandle(toCandle(rows, at, market, rungs[rung]!.frame.code, true), rows[at + END]!)
    clearBar(rows, at, rows[at + END]!, rows[at + END]!)
  }

  return {
    add(trade, order) {
      for (const root of roots) if (trade.time < rows[root * WIDTH + START]!) return false
      for (const root of roots) {
        if (trade.time >= rows[root * WIDTH + END]!) moveTo(root, trade.time)
        addTrade(rows, root * WIDTH, trade.price, trade.quantity, order, trade.count)
      }
      return true
    },
    closeUntil(time) {
      for (let rung = 0; rung < rungs.length; rung++) if (rows[rung * WIDTH + END]! <= time) close(rung)
    },
  }
}
