import type { Best, BookChange, Level } from '../market/book.ts'
import { text } from '../market/decimal.ts'
import type { Row } from '../market/market.ts'
import type { Stats } from '../market/stats.ts'
import type { SymbolSpec, Trade } from '../market/tape.ts'
import { type Aggregate, dayBody, levelBody, meanPrice, rollingBody } from '../wire.ts'

/** Writes a payload; `scale` is 1 for times in ms, 1000 for µs. */
export type Payload = (scale: number) => string

export const tradeFrame =
  (spec: SymbolSpec, trade: Trade, now: number): Payload =>
  (scale) =>
    `{"e":"trade","E":${now * scale},"s":"${spec.symbol}","t":${trade.id},"p":"${text(trade.price, spec.tickDecimals)}","q":"${text(trade.qty, spec.lotDecimals)}","T":${trade.time * scale},"m":${trade.buyerMaker},"M":true}`

export const aggTradeFrame =
  (spec: SymbolSpec, trade: Aggregate, now: number): Payload =>
  (scale) =>
    `{"e":"aggTrade","E":${now * scale},"s":"${spec.symbol}","a":${trade.agg},"p":"${text(trade.price, spec.tickDecimals)}","q":"${text(trade.qty, spec.lotDecimals)}","f":${trade.first},"l":${trade.last},"T":${trade.time * scale},"m":${trade.buyerMaker},"M":true}`

export const klineFrame =
  (spec: SymbolSpec, interval: string, { open, end, bar }: Row, closed: boolean, now: number): Payload =>
  (scale) =>
    JSON.stringify({
      e: 'kline',
      E: now * scale,
      s: spec.symbol,
      k: {
        t: open * scale,
        T: end * scale - 1,
        s: spec.symbol,
        i: interval,
        f: bar.first,
        L: bar.last,
        o: text(bar.open, spec.tickDecimals),
        c: text(bar.close, spec.tickDecimals),
        h: text(bar.high, spec.tickDecimals),
        l: text(bar.low, spec.tickDecimals),
        v: text(bar.volume, spec.lotDecimals),
        n: bar.count,
        x: closed,
        q: text(bar.quote, 8),
        V: text(bar.takerVolume, spec.lotDecimals),
        Q: text(bar.takerQuote, 8),
        B: '0',
      },
    })

export const tickerFrame =
  (spec: SymbolSpec, stats: Stats, best: Best, now: number): Payload =>
  (scale) => {
    const body = dayBody(spec, stats, best)
    return JSON.stringify({
      e: '24hrTicker',
      E: now * scale,
      s: spec.symbol,
      p: body.priceChange,
      P: body.priceChangePercent,
      w: body.weightedAvgPrice,
      x: body.prevClosePrice,
      c: body.lastPrice,
      Q: body.lastQty,
      b: body.bidPrice,
      B: body.bidQty,
      a: body.askPrice,
      A: body.askQty,
      o: body.openPrice,
      h: body.highPrice,
      l: body.lowPrice,
      v: body.volume,
      q: body.quoteVolume,
      O: body.openTime * scale,
      C: body.closeTime * scale,
      F: body.firstId,
      L: body.lastId,
      n: body.count,
    })
  }

export const rollingFrame =
  (spec: SymbolSpec, window: string, stats: Stats, now: number): Payload =>
  (scale) => {
    const body = rollingBody(spec, stats)
    return JSON.stringify({
      e: `${window}Ticker`,
      E: now * scale,
      s: spec.symbol,
      p: body.priceChange,
      P: body.priceChangePercent,
      o: body.openPrice,
      h: body.highPrice,
      l: body.lowPrice,
      c: body.lastPrice,
      w: body.weightedAvgPrice,
      v: body.volume,
      q: body.quoteVolume,
      O: body.openTime * scale,
      C: body.closeTime * scale,
      F: body.firstId,
      L: body.lastId,
      n: body.count,
    })
  }

export const miniTickerFrame =
  (spec: SymbolSpec, { bar }: Stats, now: number): Payload =>
  (scale) =>
    JSON.stringify({
      e: '24hrMiniTicker',
      E: now * scale,
      s: spec.symbol,
      c: text(bar.close, spec.tickDecimals),
      o: text(bar.open, spec.tickDecimals),
      h: text(bar.high, spec.tickDecimals),
      l: text(bar.low, spec.tickDecimals),
      v: text(bar.volume, spec.lotDecimals),
      q: text(bar.quote, 8),
    })

export const bookTickerFrame = (spec: SymbolSpec, best: Best): Payload => {
  const [b, B] = levelBody(spec, best.bid)
  const [a, A] = levelBody(spec, best.ask)
  return () => JSON.stringify({ u: best.id, s: spec.symbol, b, B, a, A })
}

const bodies = (spec: SymbolSpec, levels: readonly Level[]) => levels.map((level) => levelBody(spec, level))

export const depthFrame =
  (spec: SymbolSpec, { first, last, bids, asks }: BookChange, now: number): Payload =>
  (scale) =>
    JSON.stringify({
      e: 'depthUpdate',
      E: now * scale,
      s: spec.symbol,
      U: first,
      u: last,
      b: bodies(spec, bids),
      a: bodies(spec, asks),
    })

export const partialDepthFrame =
  (spec: SymbolSpec, book: { lastUpdateId: number; bids: Level[]; asks: Level[] }): Payload =>
  () =>
    JSON.stringify({
      lastUpdateId: book.lastUpdateId,
      bids: bodies(spec, book.bids),
      asks: bodies(spec, book.asks),
    })

export const avgPriceFrame =
  (spec: SymbolSpec, stats: Stats, now: number): Payload =>
  (scale) =>
    JSON.stringify({
      e: 'avgPrice',
      E: now * scale,
      s: spec.symbol,
      i: '5m',
      w: meanPrice(spec, stats.bar, stats.last.price),
      T: stats.last.time * scale,
    })

export const arrayFrame =
  (payloads: readonly Payload[]): Payload =>
  (scale) =>
    `[${payloads.map((payload) => payload(scale)).join(',')}]`

export const shutdownFrame =
  (now: number): Payload =>
  (scale) =>
    `{"e":"serverShutdown","E":${now * scale}}`
