import type { MarketId } from './market.ts'

export type Side = 'buy' | 'sell'

/**
 * One fill, or an exchange's aggregate of consecutive fills at one price.
 * Ids are the exchange's own. A number is counted: the next trade's id is `id + count`, so a hole shows at once.
 * A string only names the trade (exchanges whose ids pass 2^53 or skip).
 */
export interface Trade extends MarketId {
  readonly type: 'trade'
  /** The first raw trade id it holds. */
  readonly id: number | string
  /** How many raw trades it holds; 1 for a single fill. */
  readonly count: number
  /** The double nearest to the exchange's text; at most 15 significant digits. */
  readonly price: number
  /** Base units. */
  readonly quantity: number
  /** Taker side. */
  readonly side: Side
  /** The exchange's trade time, ms. */
  readonly time: number
  /** When we received it, ms. */
  readonly received: number
}

/**
 * What the collector says of one market: trades in id order and how far they reach.
 * Everything the market traded before `upTo` is in this batch or in an earlier one, except inside `hole`.
 * A batch without trades is a heartbeat: the feed is healthy and nothing traded.
 */
export interface TradeBatch extends MarketId {
  readonly trades: readonly Trade[]
  /** Exchange clock, ms, exclusive. */
  readonly upTo: number
  /** A hole that was told of earlier is closed: with this batch all of its trades have come. */
  readonly filled?: { readonly from: number; readonly to: number }
  /** From here on `upTo` was claimed because the market was silent, and nothing proved it before the collector stopped: nobody
   * can say any more what traded. Exchange clock, ms. */
  readonly doubtFrom?: number
  /** The exchange says that the market does not trade: its silence is no quiet market, and nobody draws candles of it. */
  readonly halted?: true
  /** Exchange time whose trades could not be had, ms, `to` exclusive. The trades of this batch come after it. An empty
   * one says since when trades are complete. */
  readonly hole?: { readonly from: number; readonly to: number }
}

/** The latest trade time among them, ms, 0 for none: the last one in order of ids may have come late. */
export const newestTime = (trades: readonly Trade[]): number =>
  trades.reduce((time, trade) => Math.max(time, trade.time), 0)
