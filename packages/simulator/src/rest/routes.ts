import type { Exchange } from '../exchange.ts'
import { account } from './account.ts'
import { aggTrades, klines, trades } from './history.ts'
import { exchangeInfo } from './info.ts'
import type { Limits } from './limits.ts'
import type { Params, ParamTable } from './params.ts'
import { symbolCount } from './symbols.ts'
import { avgPrice, bookTicker, dayTicker, depth, priceTicker, rollingTicker } from './tickers.ts'

/** One GET path of the exchange: what it weighs, which parameters it knows, what it answers. */
export type Route = {
  weight: (query: URLSearchParams) => number
  params: ParamTable
  signed?: true
  answer: (exchange: Exchange, params: Params, limits: Limits) => unknown
}

const weighs = (weight: number) => () => weight

/** Weight by how many symbols are named: one, or any other number. */
const oneOrMany = (one: number, many: number) => (query: URLSearchParams) => (query.has('symbol') ? one : many)

const dayWeight = (query: URLSearchParams): number => {
  const count = symbolCount(query)
  if (count === undefined || count > 100) return 80
  return count > 20 ? 40 : 2
}

const depthWeight = (query: URLSearchParams): number => {
  const limit = Number(query.get('limit') ?? 100)
  return limit > 1_000 ? 250 : limit > 500 ? 50 : limit > 100 ? 25 : 5
}

const history = { symbol: 'symbol!', startTime: 'integer', endTime: 'integer', limit: 'integer' } as const
const bars = { ...history, interval: 'word!', timeZone: 'zone' } as const
const many = { symbol: 'symbol', symbols: 'any', symbolStatus: 'word' } as const

export const routes: Readonly<Record<string, Route>> = {
  ping: { weight: weighs(1), params: {}, answer: () => ({}) },
  time: { weight: weighs(1), params: {}, answer: ({ clock }) => ({ serverTime: clock.now() }) },
  exchangeInfo: {
    weight: weighs(20),
    params: { ...many, permissions: 'any', showPermissionSets: 'flag' },
    answer: exchangeInfo,
  },
  klines: { weight: weighs(2), params: bars, answer: klines },
  uiKlines: { weight: weighs(2), params: bars, answer: klines },
  trades: { weight: weighs(25), params: { symbol: 'symbol!', limit: 'integer' }, answer: trades },
  historicalTrades: {
    weight: weighs(25),
    params: { symbol: 'symbol!', limit: 'integer', fromId: 'integer' },
    answer: trades,
  },
  aggTrades: { weight: weighs(4), params: { ...history, fromId: 'integer' }, answer: aggTrades },
  depth: { weight: depthWeight, params: { symbol: 'symbol!', limit: 'integer' }, answer: depth },
  avgPrice: { weight: weighs(2), params: { symbol: 'symbol!' }, answer: avgPrice },
  'ticker/24hr': { weight: dayWeight, params: { ...many, type: 'word' }, answer: dayTicker },
  'ticker/price': { weight: oneOrMany(2, 4), params: many, answer: priceTicker },
  'ticker/bookTicker': { weight: oneOrMany(2, 4), params: many, answer: bookTicker },
  ticker: {
    weight: (query) => Math.min(200, 4 * (symbolCount(query) ?? 1)),
    params: { ...many, windowSize: 'word', type: 'word' },
    answer: rollingTicker,
  },
  account: {
    weight: weighs(20),
    params: {
      timestamp: 'integer!',
      recvWindow: 'integer',
      omitZeroBalances: 'flag',
      signature: 'any!',
    },
    signed: true,
    answer: account,
  },
}
