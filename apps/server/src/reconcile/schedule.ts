import type { MarketId } from '../domain/market.ts'
import { nextOpen, openTime, roughMs, type Timeframe } from '../domain/timeframe.ts'

/** One look at a series by REST: candles that open in `[from, to)`. */
export interface Look {
  readonly symbol: string
  readonly frame: Timeframe
  readonly from: number
  readonly to: number
  /** A candle of the exchange ended at `from`, so that it had the market before. */
  readonly follows: boolean
}

/**
 * Whose turn it is: one timeframe of one symbol at a time, minutes every other turn, each symbol once in `everyMs`.
 * What lies further back than one page is not looked at, nor what closed less than `settledMs` ago. Pure: `now` is the exchange's clock, ms.
 */
export function createSchedule(frames: readonly Timeframe[], pageSize: number, everyMs: number, settledMs: number) {
  const minutes = frames[0]
  const larger = frames.slice(1)
  const turns = new Map<string, { at: number; count: number }>()
  const reached = new Map<string, number>()
  const keyOf = (symbol: string, frame: Timeframe) => `${symbol}:${frame.code}`

  function frameOf(count: number): Timeframe | undefined {
    if (count % 2 === 0 || larger.length === 0) return minutes
    return larger[Math.floor(count / 2) % larger.length]
  }

  return {
    /** The next look that is due, and takes the turn; undefined when all have been had. */
    next(symbols: readonly string[], now: number): Look | undefined {
      const symbol = symbols.find((one) => now >= (turns.get(one)?.at ?? 0))
      if (symbol === undefined) return undefined
      const count = turns.get(symbol)?.count ?? 0
      const wanted = new Set(symbols)
      for (const known of turns.keys()) if (!wanted.has(known)) turns.delete(known)
      turns.set(symbol, { at: now + everyMs, count: count + 1 })
      const frame = frameOf(count)
      if (!frame) return undefined
      const to = openTime(frame, now - settledMs)
      const earliest = openTime(frame, to - pageSize * roughMs(frame))
      const known = reached.get(keyOf(symbol, frame))
      const from = Math.max(known ?? 0, nextOpen(frame, earliest))
      return from < to ? { symbol, frame, from, to, follows: from === known } : undefined
    },
    /** Something is doubtful: the symbol's minutes are looked at next. */
    hurry({ symbol }: MarketId): void {
      const turn = turns.get(symbol)
      if (turn) turns.set(symbol, { at: 0, count: turn.count + (turn.count % 2) })
    },
    /**
     * `to`: everything before it was there. Minutes that the exchange does not have are asked for again soon, ever later:
     * the next one that it has tells whether it stood still.
     */
    done({ symbol, frame, from, to: wanted }: Look, to: number, now: number): void {
      if (to > from) reached.set(keyOf(symbol, frame), to)
      const turn = turns.get(symbol)
      if (!turn || frame !== minutes || to >= wanted) return
      const at = now + Math.max(roughMs(frame), wanted - to)
      turns.set(symbol, { at: Math.min(turn.at, at), count: turn.count + (turn.count % 2) })
    },
  }
}
