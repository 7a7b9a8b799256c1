import type { Clock } from './clock.ts'
import type { BookModel } from './market/book.ts'
import type { Market } from './market/market.ts'
import type { StatsReader } from './market/stats.ts'

/** One listed symbol with everything that can be asked about it. */
export type Listing = { market: Market; book: BookModel; stats: StatsReader }

/** What REST, WebSocket, faults and truth share. Symbols are upper case, in the order of the listing. */
export type Exchange = {
  clock: Clock
  /** How often tickers are sent, ms. */
  tickerMs: number
  listings: Map<string, Listing>
  /** What was taken off the list. */
  delisted: Map<string, Listing>
  /** A new market of the generated kind, whose history starts at `now`. Throws for a symbol of unknown quote currency. */
  create(symbol: string, tradesPerSecond: number, now: number): Listing
}

/** Trading stands still, by a fault. */
export const isHalted = ({ market }: Listing, now: number): boolean =>
  market.halts.some(({ from, to }) => now >= from && now < to)

export const listingOf = (exchange: Exchange, symbol: string): Listing => {
  const listing = exchange.listings.get(symbol) ?? exchange.delisted.get(symbol)
  if (!listing) throw new Error(`the simulator never listed ${symbol}`)
  return listing
}
