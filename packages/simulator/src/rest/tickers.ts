import type { Exchange, Listing } from '../exchange.ts'
import { text } from '../market/decimal.ts'
import { dayMs } from '../market/grid.ts'
import { windowOf } from '../market/stats.ts'
import { dayBody, levelBody, meanPrice, miniBody, rollingBody } from '../wire.ts'
import { errors } from './errors.ts'
import type { Params } from './params.ts'
import { manySymbols, oneSymbol } from './symbols.ts'

const isMini = (params: Params): boolean => {
  const type = params.text('type') ?? 'FULL'
  if (type !== 'FULL' && type !== 'MINI') throw errors.value('type')
  return type === 'MINI'
}

const statuses = ['TRADING', 'HALT', 'BREAK', 'END_OF_DAY', 'CANCEL_ONLY']

/** One body for each symbol asked for, as an array unless `symbol` named exactly one. */
const answer = async (
  exchange: Exchange,
  params: Params,
  make: (listing: Listing, now: number) => unknown,
  windowMs = 0,
): Promise<unknown> => {
  const { single, listings } = manySymbols(exchange, params)
  const status = params.text('symbolStatus')
  if (status !== undefined && !statuses.includes(status)) throw errors.value('symbolStatus')
  if (status !== undefined && status !== 'TRADING') {
    if (single) throw errors.status()
    return []
  }
  if (windowMs > 0) {
    const now = exchange.clock.now()
    for (const { market } of listings) await market.prepare(now - windowMs, now, now)
  }
  const now = exchange.clock.now()
  const bodies = listings.map((listing) => make(listing, now)).filter((body) => body !== undefined)
  return single ? bodies[0] : bodies
}

export const dayTicker = (exchange: Exchange, params: Params): Promise<unknown> => {
  const mini = isMini(params)
  return answer(
    exchange,
    params,
    ({ market, book, stats }, now) => {
      const window = stats(dayMs, now)
      const best = book.best(now)
      if (!window || !best) return undefined
      return mini ? miniBody(market.spec, window) : dayBody(market.spec, window, best)
    },
    dayMs,
  )
}

export const rollingTicker = (exchange: Exchange, params: Params): Promise<unknown> => {
  const mini = isMini(params)
  const window = windowOf(params.text('windowSize') ?? '1d')
  if (window === undefined) throw errors.value('windowSize')
  if (!params.has('symbol') && !params.has('symbols')) throw errors.missing('symbol')
  if (manySymbols(exchange, params).listings.length > 100) throw errors.value('symbols')
  const body = mini ? miniBody : rollingBody
  return answer(
    exchange,
    params,
    ({ market, stats }, now) => {
      const found = stats(window, now)
      return found && body(market.spec, found)
    },
    window,
  )
}

export const priceTicker = (exchange: Exchange, params: Params): Promise<unknown> =>
  answer(exchange, params, ({ market: { spec, last } }, now) => {
    const trade = last(now)
    return trade && { symbol: spec.symbol, price: text(trade.price, spec.tickDecimals) }
  })

export const bookTicker = (exchange: Exchange, params: Params): Promise<unknown> =>
  answer(exchange, params, ({ market: { spec }, book }, now) => {
    const best = book.best(now)
    if (!best) return undefined
    const [bidPrice, bidQty] = levelBody(spec, best.bid)
    const [askPrice, askQty] = levelBody(spec, best.ask)
    return { symbol: spec.symbol, bidPrice, bidQty, askPrice, askQty }
  })

const averageMinutes = 5

export const avgPrice = (exchange: Exchange, params: Params): unknown => {
  const { market, stats } = oneSymbol(exchange, params)
  const found = stats(averageMinutes * 60_000, exchange.clock.now())
  if (!found) return { mins: averageMinutes, price: text(0, 0), closeTime: 0 }
  const price = meanPrice(market.spec, found.bar, found.last.price)
  return { mins: averageMinutes, price, closeTime: found.last.time }
}

export const depth = (exchange: Exchange, params: Params): unknown => {
  const { market, book } = oneSymbol(exchange, params)
  const limit = params.integer('limit') ?? 100
  if (limit < 1) throw errors.value('limit')
  const found = book.at(exchange.clock.now(), Math.min(limit, 5_000))
  if (!found) return { lastUpdateId: -1, bids: [], asks: [] }
  const body = (levels: typeof found.bids) => levels.map((level) => levelBody(market.spec, level))
  return { lastUpdateId: found.lastUpdateId, bids: body(found.bids), asks: body(found.asks) }
}
