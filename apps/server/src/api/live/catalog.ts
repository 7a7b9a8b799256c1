import type { LiveError, SubscribeMessage, UnsubscribeMessage } from '@candlewire/protocol'
import { plainSymbol } from '../../domain/market.ts'
import type { Catalog } from '../deps.ts'
import { ANY, type Channel } from './channel.ts'

export type Resolved = { channel: Channel } | { error: LiveError }

const refused = (code: LiveError['code'], message: string): Resolved => ({ error: { code, message } })

/** What a subscription of a client means here: spelling, defaults, and whether such a market and timeframe exist. */
export function resolve(request: SubscribeMessage | UnsubscribeMessage, catalog: Catalog): Resolved {
  const { type } = request
  const exchange = request.exchange ?? catalog.primaryExchange
  if (exchange !== ANY && !catalog.exchanges.some(({ id }) => id === exchange)) {
    return refused('EXCHANGE_NOT_FOUND', `There is no exchange ${exchange}`)
  }
  const timed = type === 'candles' || type === 'indicators'
  const timeframe = timed ? (request.timeframe ?? '1m') : ''
  if (timed && timeframe !== ANY && !catalog.timeframes.includes(timeframe)) {
    return refused('INVALID_PARAMETER', `timeframe is one of ${catalog.timeframes.join(', ')} or *`)
  }
  const symbol = request.symbol === ANY ? ANY : plainSymbol(request.symbol)
  const venues = exchange === ANY ? catalog.exchanges.map(({ id }) => id) : [exchange]
  const known = symbol === ANY || venues.some((venue) => catalog.isMarket({ exchange: venue, symbol }))
  if (!known) return refused('SYMBOL_NOT_FOUND', `${exchange} has no market ${symbol}`)
  return { channel: { type, exchange, symbol, timeframe } }
}
