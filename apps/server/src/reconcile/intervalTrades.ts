import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import type { Trade } from '../domain/trade.ts'
import type { RestClient } from '../exchanges/rest.ts'

/** Requests for one interval; more trades than they bring are not looked at. */
const MOST_PAGES = 20
/** Ids further on may still bear an earlier time, ms. */
const DISORDER_MS = 5_000

/**
 * The exchange's own trades of an interval, by id, from the first to beyond the last. Undefined where they can't be had
 * whole. Rejects as `RestClient.ask`.
 */
export async function tradesOf(
  rest: RestClient,
  { symbol }: MarketId,
  { from, to }: Interval,
  signal: AbortSignal,
): Promise<Trade[] | undefined> {
  const { exchange } = rest
  const options = { priority: 'backfill', signal } as const
  if (!exchange.countedIds) return undefined
  const earliest = await rest.ask(exchange.rest.tradesBetween({ symbol, from, to: to - 1, limit: 1 }), options)
  const first = earliest[0]
  if (!first) return []
  if (typeof first.id !== 'number') return undefined
  const limit = exchange.limits.tradesPerRequest
  const found: Trade[] = []
  for (let page = 0, fromId = first.id; page < MOST_PAGES; page++) {
    const trades = await rest.ask(exchange.rest.tradesFrom({ symbol, fromId, limit }), options)
    found.push(...trades.filter(({ time }) => time >= from && time < to))
    const last = trades.at(-1)
    if (!last || typeof last.id !== 'number' || trades.length < limit || last.time >= to + DISORDER_MS) return found
    fromId = last.id + last.count
  }
  return undefined
}
