/** A market is one symbol on one exchange. Symbols are upper case without separator (`BTCUSDT`). */
export interface MarketId {
  readonly exchange: string
  readonly symbol: string
}

/** What an exchange says of one of its markets. */
export interface Market extends MarketId {
  /** The exchange's own spelling. */
  readonly nativeSymbol: string
  readonly base: string
  readonly quote: string
  readonly status: 'trading' | 'halted' | 'delisted'
  /** Decimal places of a price and of a quantity. */
  readonly priceDecimals: number
  readonly quantityDecimals: number
  /** Smallest order, base units; 0 when the exchange states none. */
  readonly minQuantity: number
  /** The exchange's own word for a state that we do not know. */
  readonly unknownStatus?: string
}

/** The key under which events of one market keep their order: `binance:BTCUSDT`. */
export const marketKey = ({ exchange, symbol }: MarketId): string => `${exchange}:${symbol}`

/** `BTC/USDT`, `BTC-USDT` and `BTC_USDT` are `BTCUSDT`; case is never changed. */
export const plainSymbol = (text: string): string => text.replace(/[/_-]/g, '')
