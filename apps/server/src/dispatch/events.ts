import type { Batch, Bus } from '../bus/bus.ts'
import type { Cache } from '../cache/cache.ts'
import { type Candle, seriesKey } from '../domain/candle.ts'
import { createBooks } from '../domain/liveBook.ts'
import { marketKey } from '../domain/market.ts'
import type { Ticker } from '../domain/ticker.ts'
import { MINUTE, roughMs, timeframe } from '../domain/timeframe.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { everyTick } from '../lib/ticks.ts'
import { together } from '../lib/together.ts'
import type { OutgoingEvent, Queue } from '../queue/queue.ts'
import { historicalUpdated, klineUpdated, orderbookUpdated, priceUpdated } from './laravel.ts'

export interface EventsDeps {
  readonly bus: Bus
  readonly queue: Pick<Queue, 'publish'>
  readonly cache: Pick<Cache, 'seen' | 'forget'>
  /** How often the newest prices are told, ms. */
  readonly pricesEveryMs?: number
  /** How often a book that changes is told at most, ms. */
  readonly booksEveryMs?: number
  /** How often candles are told that are still forming, ms; a closed one is told at once. */
  readonly candlesEveryMs?: number
  /** Levels of a book that are told. */
  readonly depth?: number
  /** Our clock, ms. */
  readonly now?: () => number
  readonly log: Logger
  readonly metrics: Metrics
}

/** Candles of seconds are for screens. */
const isTold = ({ timeframe: code }: Candle): boolean => roughMs(timeframe(code)) >= MINUTE

/**
 * The role: tells applications outside what happened: `crypto.price.updated`, `crypto.orderbook.updated`,
 * `crypto.kline.updated`, `crypto.historical.updated`, each event once. It never holds the bus back: what the queue does
 * not take is counted and left out. Resolves when the signal aborts and the newest state has been told.
 */
export async function tellEvents(deps: EventsDeps, signal: AbortSignal): Promise<void> {
  const { bus, queue, cache, log, metrics, now = Date.now } = deps
  const { pricesEveryMs = 5_000, booksEveryMs = 1_000, candlesEveryMs = MINUTE, depth = 20 } = deps
  const prices = new Map<string, Ticker>()
  const forming = new Map<string, Candle>()
  const books = createBooks(depth)

  async function tell(events: readonly OutgoingEvent[]): Promise<void> {
    if (events.length === 0) return
    const seen = await cache.seen(events.map(({ id }) => id))
    const fresh = events.filter((_, index) => !seen[index])
    metrics.events.inc({ outcome: 'duplicate' }, events.length - fresh.length)
    try {
      await queue.publish(fresh)
      metrics.events.inc({ outcome: 'taken' }, fresh.length)
    } catch (error) {
      await cache.forget(fresh.map(({ id }) => id))
      metrics.events.inc({ outcome: 'failed' }, fresh.length)
      log.error({ err: error, events: fresh.length }, 'the queue did not take these events; they are left out')
    }
  }

  async function tellPrices(): Promise<void> {
    const tickers = [...prices.values()]
    prices.clear()
    await tell(tickers.map((ticker) => priceUpdated(ticker, now())))
  }

  async function tellBooks(): Promise<void> {
    await tell(books.takeChanged().map((book) => orderbookUpdated(book, now())))
  }

  async function tellForming(): Promise<void> {
    const candles = [...forming.values()]
    forming.clear()
    const round = `forming:${Math.floor(now() / candlesEveryMs)}`
    await tell(candles.map((candle) => klineUpdated(candle, round, now())))
  }

  async function tellCandles(candles: Batch<'candles'>): Promise<void> {
    const told = candles.filter(isTold)
    for (const candle of told) {
      const key = seriesKey(candle)
      if (!candle.closed) forming.set(key, candle)
      else if ((forming.get(key)?.time ?? Infinity) <= candle.time) forming.delete(key)
    }
    const closed = told.filter((candle) => candle.closed)
    await tell(closed.map((candle) => klineUpdated(candle, `closed:${candle.revision}`, now())))
  }

  await together(signal, [
    async (stop) => {
      for await (const tickers of bus.subscribe('tickers', 'events', stop))
        for (const ticker of tickers) prices.set(marketKey(ticker), ticker)
    },
    async (stop) => {
      for await (const updates of bus.subscribe('books', 'events', stop)) for (const one of updates) books.apply(one)
    },
    async (stop) => {
      for await (const candles of bus.subscribe('candles', 'events', stop)) await tellCandles(candles)
    },
    async (stop) => {
      for await (const filled of bus.subscribe('filled', 'events', stop))
        await tell(filled.map((one) => historicalUpdated(one, now())))
    },
    (stop) => everyTick(pricesEveryMs, tellPrices, stop),
    (stop) => everyTick(booksEveryMs, tellBooks, stop),
    (stop) => everyTick(candlesEveryMs, tellForming, stop),
  ])
  for (const tellRest of [tellPrices, tellBooks, tellForming]) await tellRest()
}
