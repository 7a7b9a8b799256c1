import Type from 'typebox'
import { type MarketId, plainSymbol } from '../../domain/market.ts'
import { failure } from '../../lib/failure.ts'
import type { Catalog } from '../deps.ts'

/** Integers below this are seconds since 1970, above it milliseconds. */
const SECONDS_BELOW = 100_000_000_000
/** Years 1970 to 9999. */
const LATEST = Date.UTC(10_000, 0, 1) - 1
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/

export const SymbolParams = Type.Object({
  symbol: Type.String({
    minLength: 1,
    maxLength: 40,
    description: 'as `BTCUSDT`; `BTC-USDT`, `BTC_USDT` and `BTC%2FUSDT` are the same',
  }),
})
export const ExchangeQuery = Type.Object({
  exchange: Type.Optional(Type.String({ maxLength: 20, description: 'the primary exchange when absent' })),
})
export const TimeText = Type.String({
  maxLength: 40,
  description: 'ISO 8601 (UTC where no zone is given), or epoch ms or s',
})

/** A time given as ISO 8601, epoch ms or epoch s, in ms. Throws `INVALID_PARAMETER`. */
export function readTime(name: string, text: string): number {
  const ms = /^\d{1,15}$/.test(text) ? epoch(Number(text)) : iso(text)
  if (!(ms >= 0 && ms <= LATEST))
    throw failure('INVALID_PARAMETER', { name, reason: 'is neither ISO 8601 nor epoch ms or s' })
  return ms
}

const epoch = (value: number): number => (value < SECONDS_BELOW ? value * 1000 : value)

function iso(text: string): number {
  if (!ISO.test(text)) return Number.NaN
  const zoned = /Z$|[+-]\d{2}:\d{2}$/.test(text.slice(10)) ? text : `${text}${text.length === 10 ? 'T00:00' : ''}Z`
  return Date.parse(zoned)
}

/** The market of a request. Throws `EXCHANGE_NOT_FOUND` or `SYMBOL_NOT_FOUND`. */
export function readMarket(catalog: Catalog, text: string, venue?: string): MarketId {
  const exchange = venue ?? catalog.primaryExchange
  if (!catalog.exchanges.some(({ id }) => id === exchange)) throw failure('EXCHANGE_NOT_FOUND', { exchange })
  const symbol = plainSymbol(text)
  if (!catalog.isMarket({ exchange, symbol })) throw failure('SYMBOL_NOT_FOUND', { exchange, symbol })
  return { exchange, symbol }
}
