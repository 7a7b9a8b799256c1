import type { MarketId } from './market.ts'

/** Rolling 24 h figures of a market, as the exchange computes them. Prices in quote units, volumes in base and quote. */
export interface Ticker extends MarketId {
  readonly type: 'ticker'
  readonly last: number
  /** Best prices, where the channel carries them. */
  readonly bid?: number
  readonly ask?: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly volume: number
  readonly quoteVolume: number
  /** Id of the newest trade in these figures, where the channel carries it; -1 for none. */
  readonly lastTradeId?: number
  /** Exchange time, ms. */
  readonly time: number
  readonly received: number
}

/** Best bid and ask. */
export interface BookTop extends MarketId {
  readonly type: 'top'
  readonly bid: number
  readonly bidQuantity: number
  readonly ask: number
  readonly askQuantity: number
  /** The book's update id. */
  readonly sequence: number
  readonly received: number
}
