/**
 * One trade of the simulated market. `at` is when it reaches the wire, `time` the trade time it carries (both ms):
 * they differ only for a late trade. Price is in ticks, `qty` in lots, `quote` in 10^-8 of the quote currency,
 * truncated as the exchange does it. `agg` is the id of the aggregate trade that it belongs to.
 */
export type Trade = {
  id: number
  agg: number
  at: number
  time: number
  price: number
  qty: number
  quote: number
  buyerMaker: boolean
}

/** A symbol as the exchange lists it. A tick is `10^-tickDecimals`, a lot `10^-lotDecimals`. */
export type SymbolSpec = {
  symbol: string
  base: string
  quote: string
  tickDecimals: number
  lotDecimals: number
}

/**
 * The whole past and future of one symbol, read by minute (`floor(ms / 60000)`, by `at`) or by id.
 * Ids grow by one from trade to trade.
 */
export type Tape = {
  spec: SymbolSpec
  /** The trades of a minute in the order of their ids. */
  minute(minute: number): readonly Trade[]
  /** The id of the first trade in this minute or after it. */
  idAt(minute: number): number
  /** The minute of the trade with this id. */
  minuteOf(id: number): number
  /** The id of the first trade of an aggregate trade. */
  idOfAgg(agg: number): number
  /** What comes after the last trade of a tape that ends. */
  end?: { id: number; agg: number }
  /** Trades whose trade time lies in another minute than their arrival. */
  strays: readonly Trade[]
}
