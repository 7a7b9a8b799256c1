import { addTrade, clearBar, END, mergeBar, START, setCandle, toCandle, WIDTH } from './bar.ts'
import type { Candle } from './candle.ts'
import type { MarketId } from './market.ts'
import { nextOpen, openTime, type Timeframe } from './timeframe.ts'
import type { Trade } from './trade.ts'

/** Whether a trade may be part of a candle; exchanges do send trades of price or quantity 0. */
export const counts = ({ price, quantity }: Trade): boolean => price > 0 && quantity > 0

/**
 * The closed candles of one market's trades, ascending, only of intervals in which something traded.
 * Trades may come in any order; one id counts once. Trades whose ids are text count in the order given.
 */
export function foldTrades(trades: readonly Trade[], frame: Timeframe): Candle[] {
  const market = trades[0]
  if (!market) return []
  const bars = createBars(frame)
  const seen = new Set<Trade['id']>()
  for (const [arrival, trade] of trades.entries()) {
    if (!counts(trade) || seen.has(trade.id)) continue
    seen.add(trade.id)
    const order = typeof trade.id === 'number' ? trade.id : arrival
    const at = bars.at(trade.time)
    addTrade(bars.rows(), at, trade.price, trade.quantity, order, trade.count)
  }
  return bars.candles(market)
}

/**
 * Larger candles of smaller ones of one series, ascending, all with revision 0. Candles in which nothing traded are
 * left out: the exchange opens a candle at its first trade, so a flat one must not lend its price.
 * `frame` must be made of whole smaller candles (`divides`).
 */
export function rollUp(candles: readonly Candle[], frame: Timeframe): Candle[] {
  const market = candles[0]
  if (!market) return []
  const bars = createBars(frame)
  const one = new Float64Array(WIDTH)
  const traded = candles.filter((candle) => candle.volume > 0)
  for (const candle of traded.sort((a, b) => a.time - b.time)) {
    setCandle(one, 0, candle)
    const at = bars.at(candle.time)
    mergeBar(bars.rows(), at, one, 0)
  }
  return bars.candles(market)
}

/** Bars of one frame by open time, in an array that doubles when full. `at` may move the array: ask `rows` after it. */
function createBars(frame: Timeframe) {
  let rows = new Float64Array(64 * WIDTH)
  let used = 0
  let current = -1
  const places = new Map<number, number>()

  function place(time: number): number {
    const start = openTime(frame, time)
    const known = places.get(start)
    if (known !== undefined) return known
    if (used === rows.length) rows = grown(rows)
    clearBar(rows, used, start, nextOpen(frame, start))
    places.set(start, used)
    used += WIDTH
    return used - WIDTH
  }

  return {
    rows: () => rows,
    at(time: number): number {
      const inside = current >= 0 && time >= rows[current + START]! && time < rows[current + END]!
      if (!inside) current = place(time)
      return current
    },
    candles: (market: MarketId): Candle[] =>
      [...places].sort(([a], [b]) => a - b).map(([, at]) => toCandle(rows, at, market, frame.code, true)),
  }
}

function grown(rows: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(rows.length * 2)
  larger.set(rows)
  return larger
}
