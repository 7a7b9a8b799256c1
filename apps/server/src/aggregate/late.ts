import { addTrade, clearBar, REVISION, setCandle, toCandle, WIDTH } from '../domain/bar.ts'
import { type Candle, seriesKey } from '../domain/candle.ts'
import { nextOpen, timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'
import type { LateTrade } from './market.ts'

/** Candles revised last: the store may not have them yet when the next late trade comes. */
const REMEMBERED = 1_024

/** Revises candles that have left the aggregator's memory: what the store has of them, and the trade. */
export function createReviser(store: Pick<Store, 'candles'>) {
  const revised = new Map<string, Candle>()

  return async (late: LateTrade): Promise<Candle> => {
    const key = `${seriesKey(late)}:${late.open}`
    const [stored] = revised.has(key) ? [] : await store.candles(late, { from: late.open, to: late.open })
    const candle = withTrade(late, revised.get(key) ?? stored)
    revised.delete(key)
    revised.set(key, candle)
    if (revised.size > REMEMBERED) for (const oldest of revised.keys().take(1)) revised.delete(oldest)
    return candle
  }
}

function withTrade({ trade, open, timeframe: code, ...market }: LateTrade, before: Candle | undefined): Candle {
  const bar = new Float64Array(WIDTH)
  clearBar(bar, 0, open, nextOpen(timeframe(code), open))
  if (before && before.volume > 0) setCandle(bar, 0, before)
  // Its id follows all those in the candle, so any number above a candle's -1 says so.
  const order = typeof trade.id === 'number' ? trade.id : 0
  addTrade(bar, 0, trade.price, trade.quantity, order, trade.count)
  bar[REVISION] = (before?.revision ?? 0) + 1
  return toCandle(bar, 0, market, code, true)
}
