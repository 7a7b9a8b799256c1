import { type Exchange, listingOf } from './exchange.ts'
import type { Interval } from './market/grid.ts'
import { type KlineRow, klineRow, type TradeBody, tradeBody } from './wire.ts'

/** What really happened in the market up to the clock's now, whatever the wire showed. Times in ms. */
export type Truth = {
  /** Trades with ids from `fromId` (the first of history) to `toId` (the newest), both included, in id order. */
  trades(symbol: string, fromId?: number, toId?: number): TradeBody[]
  /** Bars with an open time in [from, to], in the shape of a REST row; quiet ones flat, halted ones absent. */
  candles(symbol: string, interval: Interval, from: number, to: number): KlineRow[]
  /** When the market stood still by a fault: `from` belongs to it, `to` no longer. */
  halts(symbol: string): readonly { from: number; to: number }[]
  /** Ids of the first trade in history and of the newest one. */
  ids(symbol: string): { first: number; last: number }
}

export const createTruth = (exchange: Exchange): Truth => ({
  trades(symbol, fromId, toId = Number.POSITIVE_INFINITY) {
    const { market } = listingOf(exchange, symbol)
    const now = exchange.clock.now()
    const from = Math.max(fromId ?? market.firstId, market.firstId)
    const to = Math.min(toId, market.last(now)?.id ?? -1)
    return market.fromId(from, Math.max(0, to - from + 1), now).map((trade) => tradeBody(market.spec, trade))
  },
  candles(symbol, interval, from, to) {
    const { market } = listingOf(exchange, symbol)
    return market.rows(interval, from, to, exchange.clock.now()).map((row) => klineRow(market.spec, row))
  },
  halts: (symbol) => listingOf(exchange, symbol).market.halts.map(({ from, to }) => ({ from, to })),
  ids(symbol) {
    const { market } = listingOf(exchange, symbol)
    return { first: market.firstId, last: market.last(exchange.clock.now())?.id ?? market.firstId - 1 }
  },
})
