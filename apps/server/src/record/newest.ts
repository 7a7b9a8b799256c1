import type { Bus } from '../bus/bus.ts'
import { bookKey, type Cache, tickerKey } from '../cache/cache.ts'
import { createBooks, type TopOfBook } from '../domain/liveBook.ts'
import { marketKey } from '../domain/market.ts'
import type { Ticker } from '../domain/ticker.ts'
import { everyTick } from '../lib/ticks.ts'
import { together } from '../lib/together.ts'

export interface NewestDeps {
  readonly bus: Bus
  readonly cache: Pick<Cache, 'set'>
  /** How long a ticker and a book are good for, ms. */
  readonly tickerTtlMs: number
  readonly bookTtlMs: number
  /** Levels of a book. */
  readonly depth?: number
}

/** Shortest pause between two writes of a market, part of the time for which it is good. */
const PART = 4

/**
 * The role: newest tickers and books from the bus into the cache, under the keys and in the form that other programs
 * know (the `data` of REST). What comes faster than it can matter is merged. A cache that does not answer misses them.
 */
export function keepNewest(
  { bus, cache, tickerTtlMs, bookTtlMs, depth = 20 }: NewestDeps,
  signal: AbortSignal,
): Promise<void> {
  const tickers = new Map<string, Ticker>()
  const books = createBooks(depth)

  async function writeTickers(): Promise<void> {
    const newest = [...tickers.values()]
    tickers.clear()
    await Promise.all(newest.map((one) => cache.set(tickerKey(one), JSON.stringify(tickerData(one)), tickerTtlMs)))
  }
  async function writeBooks(): Promise<void> {
    const changed = books.takeChanged()
    await Promise.all(changed.map((one) => cache.set(bookKey(one, depth), JSON.stringify(bookData(one)), bookTtlMs)))
  }

  return together(signal, [
    async (stop) => {
      for await (const batch of bus.subscribe('tickers', 'newest', stop))
        for (const ticker of batch) tickers.set(marketKey(ticker), ticker)
    },
    async (stop) => {
      for await (const batch of bus.subscribe('books', 'newest', stop)) for (const update of batch) books.apply(update)
    },
    (stop) => everyTick(tickerTtlMs / PART, writeTickers, stop),
    (stop) => everyTick(bookTtlMs / PART, writeBooks, stop),
  ])
}

const tickerData = ({ exchange, symbol, last, bid, ask, open, high, low, volume, quoteVolume, time }: Ticker) => ({
  exchange,
  symbol,
  last,
  bid: bid ?? null,
  ask: ask ?? null,
  high_24h: high,
  low_24h: low,
  open_24h: open,
  /** Per cent, to 4 places. */
  change_24h: open > 0 ? Number((((last - open) / open) * 100).toFixed(4)) : null,
  volume_24h: volume,
  quote_volume_24h: quoteVolume,
  timestamp: new Date(time).toISOString(),
})

const bookData = ({ exchange, symbol, bids, asks, sequence, time }: TopOfBook) => ({
  exchange,
  symbol,
  bids,
  asks,
  sequence,
  timestamp: new Date(time).toISOString(),
})
