import type { MarketId } from './market.ts'

/** `[price, quantity]`; in a delta, quantity 0 removes the level. */
export type Level = readonly [price: number, quantity: number]

/** An order book, best levels first, or a change of one. Sequences are the exchange's update ids. */
export interface BookUpdate extends MarketId {
  readonly type: 'book'
  readonly kind: 'snapshot' | 'delta'
  readonly firstSequence: number
  readonly lastSequence: number
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
  /** Exchange time, ms; 0 where the message has none. */
  readonly time: number
  readonly received: number
}
