import type { Filled } from '../bus/bus.ts'
import type { Candle } from '../domain/candle.ts'
import type { TopOfBook } from '../domain/liveBook.ts'
import type { Ticker } from '../domain/ticker.ts'
import { nextOpen, timeframe } from '../domain/timeframe.ts'
import { exactText, plainText } from '../lib/decimal.ts'
import type { OutgoingEvent } from '../queue/queue.ts'

// Events as a Laravel application expects them: snake_case, decimals as strings, times as its models print them.

/** `2025-01-20T10:35:42.000000Z`, which is how Carbon prints a time as JSON. */
export const laravelTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')

const decimal = (value: number | undefined): string | null => (value === undefined ? null : plainText(value))

/** An event with its body. `key`: what names it among events of its kind. */
function outgoing(event: string, key: string, data: Readonly<Record<string, unknown>>, now: number): OutgoingEvent {
  const body = JSON.stringify({ event, data, timestamp: laravelTime(now) })
  return { id: `${event}:${key}`, event, body }
}

export function priceUpdated(ticker: Ticker, now: number): OutgoingEvent {
  const { exchange, symbol, time, last, open } = ticker
  const data = {
    exchange,
    symbol,
    last: decimal(last),
    bid: decimal(ticker.bid),
    ask: decimal(ticker.ask),
    high_24h: decimal(ticker.high),
    low_24h: decimal(ticker.low),
    open_24h: decimal(open),
    /** Per cent. */
    change_24h: open > 0 ? plainText(Number((((last - open) / open) * 100).toFixed(4))) : null,
    volume_24h: decimal(ticker.volume),
    quote_volume_24h: decimal(ticker.quoteVolume),
    timestamp: laravelTime(time),
  }
  return outgoing('crypto.price.updated', `${exchange}:${symbol}:${time}:${data.last}`, data, now)
}

export function orderbookUpdated(book: TopOfBook, now: number): OutgoingEvent {
  const { exchange, symbol, sequence, time } = book
  const levels = (side: TopOfBook['bids']) => side.map((level) => level.map(plainText))
  const data = {
    exchange,
    symbol,
    bids: levels(book.bids),
    asks: levels(book.asks),
    sequence,
    timestamp: laravelTime(time),
  }
  return outgoing('crypto.orderbook.updated', `${exchange}:${symbol}:${sequence}`, data, now)
}

/** `state` tells updates of a candle that is still forming apart. */
export function klineUpdated(candle: Candle, state: string, now: number): OutgoingEvent {
  const { exchange, symbol, time, closed, revision } = candle
  const data = {
    exchange,
    symbol,
    timeframe: candle.timeframe,
    time: laravelTime(time),
    close_time: laravelTime(nextOpen(timeframe(candle.timeframe), time) - 1),
    open: decimal(candle.open),
    high: decimal(candle.high),
    low: decimal(candle.low),
    close: decimal(candle.close),
    volume: exactText(candle.volume, candle.volumeRest),
    quote_volume: exactText(candle.quoteVolume, candle.quoteVolumeRest),
    trades: candle.trades,
    closed,
    revision,
    source: candle.source,
  }
  return outgoing('crypto.kline.updated', `${exchange}:${symbol}:${candle.timeframe}:${time}:${state}`, data, now)
}

export function historicalUpdated(filled: Filled, now: number): OutgoingEvent {
  const { exchange, symbol, from, to, candles } = filled
  const data = {
    exchange,
    symbol,
    timeframe: filled.timeframe,
    from: laravelTime(from),
    to: laravelTime(to),
    count: candles,
  }
  const key = `${exchange}:${symbol}:${filled.timeframe}:${from}:${to}:${candles}`
  return outgoing('crypto.historical.updated', key, data, now)
}
