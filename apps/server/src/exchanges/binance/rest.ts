import type { Trade } from '../../domain/trade.ts'
import { toMs } from '../amount.ts'
import { edge } from '../edge.ts'
import type { Exchange, RestRequest } from '../exchange.ts'
import * as map from './map.ts'
import * as wire from './schemas.ts'
import { signed } from './sign.ts'

/** The most rows that one request gives, of candles and of trades. */
export const PAGE = 1000
const MAX_DEPTH = 5000
/** Markets in one question for tickers, at the price of one. */
export const SYMBOLS = 20
/** How old a signed request may be when it arrives, ms. */
const RECEIVE_WINDOW = 5000

type Query = Record<string, string | number>

const serverTime = edge(wire.ServerTime)
const exchangeInfo = edge(wire.ExchangeInfo)
const klineRows = edge(wire.KlineRows)
const klineRow = edge(wire.KlineRow)
const restTrades = edge(wire.RestTrades)
const aggregateTrades = edge(wire.AggregateTrades)
const depth = edge(wire.Depth)
const restTicker = edge(wire.RestTicker)
const restTickers = edge(wire.RestTickers)
const newestIds = edge(wire.NewestIds)
const account = edge(wire.Account)

const get = <T>(path: string, weight: number, query: Query, read: RestRequest<T>['read']): RestRequest<T> => ({
  path: `/api/v3/${path}`,
  query,
  weight,
  read,
})

const page = (limit = PAGE): number => Math.max(1, Math.min(limit, PAGE))

/** Both bounds inclusive; one that is not given is not sent. */
const between = (from?: number, to?: number): Query => ({
  ...(from !== undefined && { startTime: from }),
  ...(to !== undefined && { endTime: to }),
})

/** Fills of price or quantity 0 stand in some histories; they are no trades, and the jump in the ids shows them. */
const isTrade = (price: string, quantity: string): boolean => Number(price) > 0 && Number(quantity) > 0

const readTrades =
  (symbol: string) =>
  (body: unknown, received: number): Trade[] =>
    restTrades(body)
      .filter(({ price, qty }) => isTrade(price, qty))
      .map((row) => map.restTrade(row, symbol, received))

const readAggregates =
  (symbol: string) =>
  (body: unknown, received: number): Trade[] =>
    aggregateTrades(body)
      .filter(({ p, q }) => isTrade(p, q))
      .map((row) => map.aggregateTrade(row, symbol, received))

const depthWeight = (limit: number): number => (limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250)

const may = (allowed: boolean | undefined, name: string): string[] => (allowed ? [name] : [])

/** binance-spot-api-docs, rest-api.md: paths, weights, selection by time and id. */
export const rest: Exchange['rest'] = {
  time: () => get('time', 1, {}, (body) => toMs(serverTime(body).serverTime)),

  markets: () =>
    get('exchangeInfo', 20, { showPermissionSets: 'false' }, (body) => exchangeInfo(body).symbols.map(map.market)),

  candles: ({ symbol, timeframe, from, to, limit, now }) =>
    get('klines', 2, { symbol, interval: timeframe, ...between(from, to), limit: page(limit) }, (body) =>
      klineRows(body).map((row) => map.restCandle(klineRow(row.slice(0, 9)), symbol, timeframe, now)),
    ),

  tradesFrom: ({ symbol, fromId, limit }) =>
    get('historicalTrades', 25, { symbol, fromId, limit: page(limit) }, readTrades(symbol)),

  tradesBetween: ({ symbol, from, to, limit }) =>
    get('aggTrades', 4, { symbol, ...between(from, to), limit: page(limit) }, readAggregates(symbol)),

  recentTrades: ({ symbol, limit }) => get('trades', 25, { symbol, limit: page(limit) }, readTrades(symbol)),

  book: ({ symbol, depth: wanted }) => {
    const limit = Math.max(1, Math.min(wanted, MAX_DEPTH))
    return get('depth', depthWeight(limit), { symbol, limit }, (body, received) =>
      map.depthSnapshot(depth(body), symbol, received),
    )
  },

  ticker: ({ symbol }) =>
    get('ticker/24hr', 2, { symbol }, (body, received) => map.restTicker(restTicker(body), received)),

  /** Leaves out markets that have no price at all. */
  tickers: () =>
    get('ticker/24hr', 80, {}, (body, received) =>
      restTickers(body)
        .filter(({ lastPrice }) => Number(lastPrice) > 0)
        .map((row) => map.restTicker(row, received)),
    ),

  newestIds: ({ symbols }) =>
    get(
      'ticker/24hr',
      symbols.length <= SYMBOLS ? 2 : symbols.length <= 100 ? 40 : 80,
      {
        symbols: JSON.stringify(symbols),
        type: 'MINI',
      },
      (body) => newestIds(body).map(({ symbol, lastId }) => ({ symbol, id: lastId })),
    ),

  account: ({ key, secret, now }) => {
    const query = signed({ omitZeroBalances: 'true', recvWindow: RECEIVE_WINDOW, timestamp: now }, secret)
    const request = get('account', 20, { ...query }, (body) => {
      const { canTrade, canWithdraw, canDeposit, permissions = [] } = account(body)
      return {
        permissions: [
          ...permissions,
          ...may(canTrade, 'TRADE'),
          ...may(canWithdraw, 'WITHDRAW'),
          ...may(canDeposit, 'DEPOSIT'),
        ],
      }
    })
    return { ...request, headers: { 'X-MBX-APIKEY': key } }
  },
}
