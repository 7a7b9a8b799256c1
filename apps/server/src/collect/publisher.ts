import { setImmediate } from 'node:timers/promises'
import type { Batch, Bus, FeedState, Topic } from '../bus/bus.ts'
import type { BookUpdate } from '../domain/book.ts'
import type { Candle } from '../domain/candle.ts'
import { marketKey } from '../domain/market.ts'
import type { BookTop, Ticker } from '../domain/ticker.ts'
import type { TradeBatch } from '../domain/trade.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { backoff, pause } from './backoff.ts'

const LAST_TRIES = 3
/** What waits is counted once in so many frames. */
const WEIGH_EVERY = 64

interface Deps {
  readonly bus: Bus
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => number
  /** The exchange's clock minus ours, ms, once it is known. */
  readonly clockOffset?: () => number | undefined
  /** Trade batches that are ready. */
  readonly drain: () => TradeBatch[]
  /** Trades that wait in the lines. */
  readonly waiting: () => number
  readonly highWater: number
  /** The bus is behind: read no more; it has caught up: go on. */
  readonly pressure: (high: boolean) => void
}

/**
 * Brings to the bus whatever is ready, as fast as the bus takes it: while one batch is under way the next grows.
 * Tickers, tops and forming candles wait only as their newest; trades, books, closed candles and feed states all go.
 */
export function createPublisher(deps: Deps) {
  const { bus, log, metrics, now, clockOffset = () => 0, drain, waiting, highWater, pressure } = deps
  const tickers = new Map<string, Ticker>()
  const tops = new Map<string, BookTop>()
  const forming = new Map<string, Candle>()
  let closed: Candle[] = []
  let books: BookUpdate[] = []
  let feed: FeedState[] = []
  const published = metrics.latency.labels({ stage: 'publish' })
  const receipt = metrics.latency.labels({ stage: 'receive' })
  let pressed = false
  let underWay = 0
  let calls = 0
  let awake = Promise.withResolvers<void>()
  let relieved = Promise.withResolvers<void>()

  const load = () => underWay + waiting() + books.length + closed.length
  function weigh(): void {
    const high = load() > (pressed ? highWater / 2 : highWater)
    if (high === pressed) return
    pressed = high
    pressure(high)
    if (high) relieved = Promise.withResolvers<void>()
    else relieved.resolve()
  }
  function wake(): void {
    awake.resolve()
    calls += 1
    if (calls % WEIGH_EVERY === 0) weigh()
  }
  function take<T>(from: Map<string, T>): T[] {
    const all = [...from.values()]
    from.clear()
    return all
  }

  async function send<T extends Topic>(topic: T, events: Batch<T>, signal: AbortSignal): Promise<void> {
    for (let failures = 0; events.length; ) {
      try {
        return await bus.publish(topic, events)
      } catch (error) {
        failures += 1
        log.error(
          { topic, events: events.length, err: error },
          'the bus did not take a batch; it is kept and sent again',
        )
        if (signal.aborted && failures >= LAST_TRIES) throw error
        await pause(backoff(failures, 100, 5_000), signal)
      }
    }
  }

  async function flush(signal: AbortSignal): Promise<void> {
    const trades = drain()
    const [moreBooks, candles, states] = [books, [...closed, ...take(forming)], feed]
    books = []
    closed = []
    feed = []
    underWay = trades.reduce((sum, batch) => sum + batch.trades.length, 0) + moreBooks.length + candles.length
    // States frame the trades: a market is up before its trades come.
    await send('feed', states, signal)
    await send('trades', trades, signal)
    const at = now()
    const offset = clockOffset() ?? 0
    for (const [first] of trades.map((batch) => batch.trades)) {
      if (!first) continue
      receipt.observe(Math.max(0, first.received + offset - first.time) / 1_000)
      published.observe((at - first.received) / 1_000)
    }
    await send('books', moreBooks, signal)
    await send('exchangeCandles', candles, signal)
    await send('tickers', take(tickers), signal)
    await send('tops', take(tops), signal)
    underWay = 0
    weigh()
  }

  return {
    ticker: (ticker: Ticker): void => void tickers.set(marketKey(ticker), ticker),
    top: (top: BookTop): void => void tops.set(marketKey(top), top),
    candle(candle: Candle): void {
      const key = `${marketKey(candle)}:${candle.timeframe}:${candle.time}`
      if (!candle.closed) return void forming.set(key, candle)
      forming.delete(key)
      closed.push(candle)
    },
    book: (book: BookUpdate): void => void books.push(book),
    feed: (state: FeedState): void => void feed.push(state),
    wake,
    /** Resolves when the bus has room again. */
    async room(signal: AbortSignal): Promise<void> {
      weigh()
      if (!pressed || signal.aborted) return
      const stop = () => relieved.resolve()
      signal.addEventListener('abort', stop, { once: true })
      await relieved.promise
      signal.removeEventListener('abort', stop)
    },
    /** Until the signal aborts; what is ready then still goes out. */
    async run(signal: AbortSignal): Promise<void> {
      const stop = () => awake.resolve()
      signal.addEventListener('abort', stop, { once: true })
      while (!signal.aborted) {
        await awake.promise
        // Frames of the same turn go out together.
        await setImmediate()
        awake = Promise.withResolvers<void>()
        if (signal.aborted) awake.resolve()
        await flush(signal)
      }
      signal.removeEventListener('abort', stop)
    },
    /** Sends what is left, once. */
    flush,
    /** The last word on trades, after everything else was sent. */
    last: (batches: readonly TradeBatch[], signal: AbortSignal): Promise<void> => send('trades', batches, signal),
  }
}

export type Publisher = ReturnType<typeof createPublisher>
