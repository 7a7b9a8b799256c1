import { type Exchange, isHalted, type Listing } from '../exchange.ts'
import { text } from '../market/decimal.ts'
import { errors } from './errors.ts'
import type { Limits } from './limits.ts'
import type { Params } from './params.ts'
import { manySymbols, textList } from './symbols.ts'

/** A symbol as exchangeInfo lists it. */
const symbolBody = ({ market: { spec } }: Listing, status: string, permissionSets: boolean) => ({
  symbol: spec.symbol,
  status,
  baseAsset: spec.base,
  baseAssetPrecision: 8,
  quoteAsset: spec.quote,
  quotePrecision: 8,
  quoteAssetPrecision: 8,
  baseCommissionPrecision: 8,
  quoteCommissionPrecision: 8,
  orderTypes: ['LIMIT', 'LIMIT_MAKER', 'MARKET', 'STOP_LOSS', 'STOP_LOSS_LIMIT', 'TAKE_PROFIT', 'TAKE_PROFIT_LIMIT'],
  icebergAllowed: true,
  ocoAllowed: true,
  otoAllowed: true,
  quoteOrderQtyMarketAllowed: true,
  allowTrailingStop: true,
  cancelReplaceAllowed: true,
  amendAllowed: true,
  pegInstructionsAllowed: true,
  isSpotTradingAllowed: true,
  isMarginTradingAllowed: false,
  filters: [
    {
      filterType: 'PRICE_FILTER',
      minPrice: text(1, spec.tickDecimals),
      maxPrice: text(10 ** (spec.tickDecimals + 6), spec.tickDecimals),
      tickSize: text(1, spec.tickDecimals),
    },
    {
      filterType: 'LOT_SIZE',
      minQty: text(1, spec.lotDecimals),
      maxQty: text(9 * 10 ** (spec.lotDecimals + 6), spec.lotDecimals),
      stepSize: text(1, spec.lotDecimals),
    },
    {
      filterType: 'NOTIONAL',
      minNotional: spec.quote === 'BTC' ? '0.00010000' : '5.00000000',
      applyMinToMarket: true,
      maxNotional: '9000000.00000000',
      applyMaxToMarket: false,
      avgPriceMins: 5,
    },
  ],
  permissions: [],
  permissionSets: permissionSets ? [['SPOT']] : [],
  defaultSelfTradePreventionMode: 'EXPIRE_MAKER',
  allowedSelfTradePreventionModes: ['EXPIRE_TAKER', 'EXPIRE_MAKER', 'EXPIRE_BOTH', 'DECREMENT'],
})

const wantsSpot = (params: Params): boolean => {
  const permissions = params.text('permissions')
  if (permissions === undefined) return true
  const names = permissions.startsWith('[') ? textList(permissions) : [permissions]
  if (!names) throw errors.value('permissions')
  return names.includes('SPOT')
}

export const exchangeInfo = (exchange: Exchange, params: Params, limits: Limits): unknown => {
  const status = params.text('symbolStatus')
  if (status !== undefined && (params.has('symbol') || params.has('symbols'))) throw errors.combination()
  const { listings } = manySymbols(exchange, params)
  const now = exchange.clock.now()
  const statusOf = (listing: Listing): string => (isHalted(listing, now) ? 'HALT' : 'TRADING')
  const wanted = listings.filter((listing) => status === undefined || status === statusOf(listing))
  const sets = params.text('showPermissionSets')?.toLowerCase() !== 'false'
  return {
    timezone: 'UTC',
    serverTime: now,
    rateLimits: [
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: limits.weight },
      { rateLimitType: 'ORDERS', interval: 'SECOND', intervalNum: 10, limit: 100 },
      { rateLimitType: 'ORDERS', interval: 'DAY', intervalNum: 1, limit: 200_000 },
      { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: limits.rawRequests },
    ],
    exchangeFilters: [],
    symbols: wantsSpot(params) ? wanted.map((listing) => symbolBody(listing, statusOf(listing), sets)) : [],
  }
}
