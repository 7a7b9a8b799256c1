import type { BookUpdate, Level } from '../../domain/book.ts'
import type { Candle } from '../../domain/candle.ts'
import { type MarketId, marketKey } from '../../domain/market.ts'
import type { Ticker } from '../../domain/ticker.ts'
import { nextOpen, timeframe } from '../../domain/timeframe.ts'
import type { Trade } from '../../domain/trade.ts'
import { exactText, plainText } from '../../lib/decimal.ts'
import type { Batch, Topic } from '../bus.ts'
import { candleId, headersOf } from './identity.ts'
import type { Outgoing } from './record.ts'
import { type Family, isNameable, names, type Profile } from './topics.ts'

/** A value of an indicator: `values` holds `value`, or the lines of those that have several (`macd`, `signal`, …). */
export interface IndicatorPoint extends MarketId {
  /** `rsi`, `macd`, `bollinger`, `momentum`. */
  readonly type: string
  readonly timeframe: string
  /** Open time of its candle, ms. */
  readonly time: number
  readonly values: Readonly<Record<string, number>>
  /** Of the candle it was reckoned from. */
  readonly revision: number
}

export interface NewsItem {
  readonly id: string
  readonly source: string
  /** When it was published, ms. */
  readonly time: number
  /** When we received it, ms. */
  readonly received: number
  readonly title: string
  readonly url: string
  readonly summary?: string
}

/** The public records of facts: prices and quantities as decimal strings, times in ms. */
export interface Views {
  trade(trade: Trade): Outgoing[]
  ticker(ticker: Ticker): Outgoing[]
  book(book: BookUpdate): Outgoing[]
  /** Every name under which the candle is known; `now` is when we made it, ms. */
  candle(candle: Candle, now: number): Outgoing[]
  indicator(point: IndicatorPoint, now: number): Outgoing[]
  news(item: NewsItem): Outgoing[]
  /** Whatever of the above a batch of the bus holds. */
  of<T extends Topic>(topic: T, events: Batch<T>, now: number): Outgoing[]
}

/** Records for the topic families that a profile switches on. */
export function createViews(profile: Profile): Views {
  const on = (family: Family) => profile.families.has(family)
  const bySymbol = ({ exchange, symbol }: MarketId) =>
    exchange === profile.primaryExchange && profile.symbols.has(symbol) && isNameable(symbol)

  const trade: Views['trade'] = (event) =>
    write(event, tradeValue(event), {
      topics: [...when(on('raw'), names.raw), ...when(on('trades'), names.trades)],
      schema: 'trade.v1',
      id: `${marketKey(event)}:${event.id}`,
      time: event.time,
      received: event.received,
    })
  const ticker: Views['ticker'] = (event) =>
    write(event, tickerValue(event), {
      topics: when(on('raw'), names.raw),
      schema: 'ticker.v1',
      id: `${marketKey(event)}:ticker:${event.time}:${event.received}`,
      time: event.time,
      received: event.received,
    })
  const book: Views['book'] = (event) =>
    write(event, bookValue(event), {
      topics: when(on('raw'), names.raw),
      schema: 'book.v1',
      id: `${marketKey(event)}:book:${event.kind}:${event.firstSequence}:${event.lastSequence}`,
      time: event.time,
      received: event.received,
    })
  const candle: Views['candle'] = (event, now) => {
    const head = { id: candleId(event), time: closeTime(event), received: now }
    const legacy = on('legacy') && event.timeframe === '1m' && bySymbol(event)
    return [
      ...write(event, candleValue(event), {
        ...head,
        schema: 'candle.v1',
        topics: [
          ...when(on('ohlcv'), names.ohlcv),
          ...when(on('aggregated'), names.aggregated(event.timeframe)),
          ...when(on('symbol') && bySymbol(event), names.symbol(event.symbol, event.timeframe)),
        ],
      }),
      ...write(event, legacyValue(event), {
        ...head,
        schema: 'candle.legacy',
        topics: when(legacy, names.legacy(event.symbol)),
      }),
    ]
  }

  return {
    trade,
    ticker,
    book,
    candle,
    indicator: (point, now) =>
      write(point, indicatorValue(point), {
        topics: when(on('indicators'), names.indicators(point.type)),
        schema: 'indicator.v1',
        id: `${marketKey(point)}:${point.type}:${point.timeframe}:${point.time}:${point.revision}`,
        time: point.time,
        received: now,
      }),
    news: (item) =>
      when(on('news'), names.news).map((topic) => ({
        topic,
        key: item.source,
        value: JSON.stringify({ type: 'news', ...item }),
        headers: headersOf('news.v1', `news:${item.source}:${item.id}`, item.time, item.received),
      })),
    of(topic, events, now) {
      const views: { [T in Topic]?: (events: Batch<T>) => Outgoing[] } = {
        trades: (batches) => batches.flatMap(({ trades }) => trades.flatMap(trade)),
        tickers: (tickers) => tickers.flatMap(ticker),
        books: (books) => books.flatMap(book),
        candles: (candles) => candles.flatMap((one) => candle(one, now)),
      }
      return views[topic]?.(events) ?? []
    },
  }
}

const when = (on: boolean, topic: string): string[] => (on ? [topic] : [])

interface Head {
  readonly topics: readonly string[]
  readonly schema: string
  readonly id: string
  readonly time: number
  readonly received: number
}

/** One text for all topics, so that no two can disagree. */
function write(market: MarketId, value: object, { topics, schema, id, time, received }: Head): Outgoing[] {
  if (topics.length === 0) return []
  const text = JSON.stringify(value)
  const headers = headersOf(schema, id, time, received)
  return topics.map((topic) => ({ topic, key: marketKey(market), value: text, headers }))
}

const closeTime = ({ timeframe: code, time }: Candle): number => nextOpen(timeframe(code), time) - 1

const tradeValue = ({ exchange, symbol, id, count, price, quantity, side, time, received }: Trade) => ({
  type: 'trade',
  exchange,
  symbol,
  id: String(id),
  price: plainText(price),
  quantity: plainText(quantity),
  side,
  time,
  received,
  // Only where one record stands for several fills.
  ...(count > 1 && { count }),
})

const tickerValue = (ticker: Ticker) => ({
  type: 'ticker',
  exchange: ticker.exchange,
  symbol: ticker.symbol,
  last: plainText(ticker.last),
  bid: ticker.bid === undefined ? null : plainText(ticker.bid),
  ask: ticker.ask === undefined ? null : plainText(ticker.ask),
  open_24h: plainText(ticker.open),
  high_24h: plainText(ticker.high),
  low_24h: plainText(ticker.low),
  volume_24h: plainText(ticker.volume),
  time: ticker.time,
  received: ticker.received,
})

const levels = (side: readonly Level[]) => side.map(([price, quantity]) => [plainText(price), plainText(quantity)])

const bookValue = (book: BookUpdate) => ({
  type: 'book',
  exchange: book.exchange,
  symbol: book.symbol,
  kind: book.kind,
  first_seq: book.firstSequence,
  last_seq: book.lastSequence,
  bids: levels(book.bids),
  asks: levels(book.asks),
  time: book.time,
  received: book.received,
})

const candleValue = (candle: Candle) => ({
  type: 'candle',
  exchange: candle.exchange,
  symbol: candle.symbol,
  timeframe: candle.timeframe,
  time: candle.time,
  close_time: closeTime(candle),
  open: plainText(candle.open),
  high: plainText(candle.high),
  low: plainText(candle.low),
  close: plainText(candle.close),
  volume: exactText(candle.volume, candle.volumeRest),
  quote_volume: exactText(candle.quoteVolume, candle.quoteVolumeRest),
  trades: candle.trades,
  closed: candle.closed,
  revision: candle.revision,
  source: candle.source,
})

const legacyValue = ({ symbol, time, open, high, low, close, volume, closed }: Candle) => ({
  symbol,
  start_time: time,
  open,
  high,
  low,
  close,
  volume,
  is_closed: closed,
})

const indicatorValue = ({ type, exchange, symbol, timeframe: code, time, values }: IndicatorPoint) => ({
  type,
  exchange,
  symbol,
  timeframe: code,
  ts: time,
  ...values,
})
