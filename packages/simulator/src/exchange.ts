import type { Clock } from './clock.ts'
import type { BookModel } from './market/book.ts'
import type { Market } from './market/market.ts'
import type { StatsReader } from './market/stats.ts'

/** One listed symbol with everything that can be asked about it. */
export type Listing = { market: Market; book: BookModel; stats: StatsReader }

/** What REST, WebSocket, faults and truth share. Symbols are upper case, in the order of the listing. */
export type Exchange = { clock: Clock; listings: ReadonlyMap<string, Listing> }

export const listingOf = (exchange: Exchange, symbol: string): Listing => {
  const listing = exchange.listings.get(symbol)
  if (!listing) throw new Error(`the simulator does not list ${symbol}`)
  return listing
}
