import type { Bar } from './market/bars.ts'
import type { Best, Level } from './market/book.ts'
import { text } from './market/decimal.ts'
import type { Row } from './market/market.ts'
import type { Stats } from './market/stats.ts'
import type { SymbolSpec, Trade } from './market/tape.ts'

/** A raw trade as REST prints it; `time` in ms. */
export const tradeBody = (spec: SymbolSpec, trade: Trade) => ({
  id: trade.id,
  price: text(trade.price, spec.tickDecimals),
  qty: text(trade.qty, spec.lotDecimals),
  quoteQty: text(trade.quote, 8),
  time: trade.time,
  isBuyerMaker: trade.buyerMaker,
  isBestMatch: true,
})
export type TradeBody = ReturnType<typeof tradeBody>

/** Trades of one order at one price, joined. `first` and `last` are trade ids. */
export type Aggregate = Trade & { first: number; last: number }

/** Joins neighbouring trades of the same aggregate id. */
export const aggregates = (trades: readonly Trade[]): Aggregate[] => {
  const found: Aggregate[] = []
  for (const trade of trades) {
    const open = found.at(-1)
    if (open?.agg === trade.agg) {
      open.qty += trade.qty
      open.last = trade.id
    } else found.push({ ...trade, first: trade.id, last: trade.id })
  }
  return found
}

export const aggregateBody = (spec: SymbolSpec, trade: Aggregate) => ({
  a: trade.agg,
  p: text(trade.price, spec.tickDecimals),
  q: text(trade.qty, spec.lotDecimals),
  f: trade.first,
  l: trade.last,
  T: trade.time,
  m: trade.buyerMaker,
  M: true,
})

export type KlineRow = [number, string, string, string, string, string, number, string, number, string, string, string]

export const klineRow = (spec: SymbolSpec, { open, end, bar }: Row): KlineRow => [
  open,
  text(bar.open, spec.tickDecimals),
  text(bar.high, spec.tickDecimals),
  text(bar.low, spec.tickDecimals),
  text(bar.close, spec.tickDecimals),
  text(bar.volume, spec.lotDecimals),
  end - 1,
  text(bar.quote, 8),
  bar.count,
  text(bar.takerVolume, spec.lotDecimals),
  text(bar.takerQuote, 8),
  '0',
]

export const levelBody = (spec: SymbolSpec, [price, qty]: Level): [string, string] => [
  text(price, spec.tickDecimals),
  text(qty, spec.lotDecimals),
]

/** Quote over base, in 10^-8 of the quote currency; 0 when nothing traded. */
const mean = (spec: SymbolSpec, bar: Bar): bigint =>
  bar.volume === 0 ? 0n : (bar.quote * 10n ** BigInt(spec.lotDecimals)) / BigInt(bar.volume)

/** The mean price of a bar as text, or the given price when nothing traded. */
export const meanPrice = (spec: SymbolSpec, bar: Bar, otherwise: number): string =>
  bar.volume === 0 ? text(otherwise, spec.tickDecimals) : text(mean(spec, bar), 8)

const percent = (change: number, open: number): string => ((change * 100) / open).toFixed(3)

/** The rolling ticker as REST prints it, without bid and ask. Times in ms. */
export const rollingBody = (spec: SymbolSpec, stats: Stats) => {
  const { bar, from, to } = stats
  const price = (ticks: number): string => text(ticks, spec.tickDecimals)
  return {
    symbol: spec.symbol,
    priceChange: price(bar.close - bar.open),
    priceChangePercent: percent(bar.close - bar.open, bar.open),
    weightedAvgPrice: text(mean(spec, bar), 8),
    openPrice: price(bar.open),
    highPrice: price(bar.high),
    lowPrice: price(bar.low),
    lastPrice: price(bar.close),
    volume: text(bar.volume, spec.lotDecimals),
    quoteVolume: text(bar.quote, 8),
    openTime: from,
    closeTime: to,
    firstId: bar.first,
    lastId: bar.last,
    count: bar.count,
  }
}

/** What `type=MINI` leaves of a rolling ticker. */
export const miniBody = (spec: SymbolSpec, stats: Stats) => {
  const { priceChange: _, priceChangePercent: __, weightedAvgPrice: ___, ...rest } = rollingBody(spec, stats)
  return rest
}

/** The full 24 h ticker as REST prints it. */
export const dayBody = (spec: SymbolSpec, stats: Stats, best: Best) => {
  const [bidPrice, bidQty] = levelBody(spec, best.bid)
  const [askPrice, askQty] = levelBody(spec, best.ask)
  return {
    ...rollingBody(spec, stats),
    prevClosePrice: text(stats.before, spec.tickDecimals),
    lastQty: text(stats.last.qty, spec.lotDecimals),
    bidPrice,
    bidQty,
    askPrice,
    askQty,
  }
}
