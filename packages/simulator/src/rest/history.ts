import type { Exchange, Listing } from '../exchange.ts'
import { backBy, isInterval, openOf } from '../market/grid.ts'
import type { Row } from '../market/market.ts'
import { type Aggregate, aggregateBody, aggregates, klineRow, tradeBody } from '../wire.ts'
import { errors } from './errors.ts'
import type { Params } from './params.ts'
import { oneSymbol } from './symbols.ts'

const most = 1_000

/** The `limit` of a history request: 500 by default, cut to 1000. */
const limitOf = (params: Params, fallback = 500): number => {
  const limit = params.integer('limit') ?? fallback
  if (limit < 1) throw errors.value('limit')
  return Math.min(limit, most)
}

const zoneShift = (zone: string): number => {
  const match = /^([+-]?)([0-9]{1,2})(?::([0-9]{2}))?$/.exec(zone)
  const minutes = Number(match?.[2]) * 60 + Number(match?.[3] ?? 0)
  const signed = match?.[1] === '-' ? -minutes : minutes
  if (signed < -720 || signed > 840) throw errors.value('timeZone')
  return signed * 60_000
}

/** The newest `limit` bars with an open time up to `to`: reaches further back where an outage left no rows. */
const newestRows = async (
  { market }: Listing,
  interval: Parameters<Listing['market']['rows']>[0],
  to: number,
  now: number,
  limit: number,
  shift: number,
): Promise<Row[]> => {
  for (let reach = limit; ; reach *= 2) {
    const from = backBy(interval, openOf(interval, Math.min(to, now), shift), reach - 1, shift)
    await market.prepare(from, now, now)
    const rows = market.rows(interval, from, to, now, Number.POSITIVE_INFINITY, shift)
    if (rows.length >= limit || from <= market.listed) return rows.slice(-limit)
  }
}

export const klines = async (exchange: Exchange, params: Params): Promise<unknown> => {
  const listing = oneSymbol(exchange, params)
  const interval = params.text('interval') ?? ''
  if (!isInterval(interval)) throw errors.interval()
  const shift = zoneShift(params.text('timeZone') ?? '0')
  const limit = limitOf(params)
  const now = exchange.clock.now()
  const from = params.time('startTime')
  const to = params.time('endTime') ?? Number.MAX_SAFE_INTEGER
  if (from === undefined) {
    const rows = await newestRows(listing, interval, to, now, limit, shift)
    return rows.map((row) => klineRow(listing.market.spec, row))
  }
  const { market } = listing
  const first = Math.max(from, market.listed)
  await market.prepare(first, Math.min(to, backBy(interval, openOf(interval, first, shift), -limit, shift)), now)
  return market.rows(interval, from, to, now, limit, shift).map((row) => klineRow(market.spec, row))
}

export const trades = (exchange: Exchange, params: Params): unknown => {
  const { market } = oneSymbol(exchange, params)
  const now = exchange.clock.now()
  const limit = limitOf(params)
  const from = params.integer('fromId') ?? (market.last(now)?.id ?? 0) - limit + 1
  return market.fromId(from, limit, now).map((trade) => tradeBody(market.spec, trade))
}

const aggregatesFrom = ({ market }: Listing, agg: number, limit: number, now: number): Aggregate[] => {
  const first = Math.max(agg, 0)
  let found: Aggregate[] = []
  for (let size = limit * 2; ; size *= 2) {
    const page = market.fromId(market.idOfAgg(first), size, now)
    found = aggregates(page).filter((trade) => trade.agg >= first)
    if (found.length > limit || page.length < size) return found.slice(0, limit)
  }
}

export const aggTrades = (exchange: Exchange, params: Params): unknown => {
  const listing = oneSymbol(exchange, params)
  const { market } = listing
  const now = exchange.clock.now()
  const limit = limitOf(params)
  const fromId = params.integer('fromId')
  const from = params.time('startTime')
  const to = params.time('endTime')
  const body = (found: readonly Aggregate[]) => found.map((trade) => aggregateBody(market.spec, trade))
  if (fromId !== undefined) {
    if (from !== undefined || to !== undefined) throw errors.combination()
    return body(aggregatesFrom(listing, fromId, limit, now))
  }
  if (from === undefined) return body(aggregates(market.before(to ?? now, now, limit)).slice(-limit))
  return body(aggregates(market.window(from, to ?? now, now, limit)).slice(0, limit))
}
