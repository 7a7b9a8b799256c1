import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import { MINUTE } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { ExchangeClock } from './clock.ts'

/** An aggregate may be stamped a little before the raw trades it holds. */
const AGGREGATE_SLACK_MS = 1_000
const TRIES = 5

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly clock: ExchangeClock
  readonly maxRefill: number
  readonly now: () => number
}

/** Where a market's line begins: the id to ask for, and what lies before it. Times in exchange ms. */
export interface Start {
  readonly id: number
  readonly since: number
  readonly upTo: number
  readonly hole?: Interval
}

/**
 * Goes on after the stored trade (`last`) when the way from it to now is short enough, else begins at the current minute with a hole
 * before it. `newest`: the highest id that is known to exist. Rejects as `RestClient.ask` does. The clock has to be measured.
 */
export async function findStart(
  deps: Deps,
  market: MarketId,
  last: Trade | undefined,
  newest: number | undefined,
  signal: AbortSignal,
): Promise<Start> {
  const { symbol } = market
  if (last && typeof last.id === 'number') {
    const after = last.id + last.count
    const end = newest ?? (await newestTrade(deps, symbol, signal))?.id
    if (end !== undefined && end >= after - 1 && end - after < deps.maxRefill)
      return { id: after, since: 0, upTo: last.time }
  }
  return freshStart(deps, symbol, last?.time ?? 0, signal)
}

async function freshStart(deps: Deps, symbol: string, known: number, signal: AbortSignal): Promise<Start> {
  const { exchange, rest, clock, now } = deps
  const minute = Math.floor((clock.at(now()) ?? now()) / MINUTE) * MINUTE
  const hole = known < minute ? { from: known, to: minute } : undefined
  const start = (id: number): Start => ({ id, since: minute, upTo: 0, ...(hole && { hole }) })
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const range = { symbol, from: minute - AGGREGATE_SLACK_MS, limit: 1 }
    const [first] = await rest.ask(exchange.rest.tradesBetween(range), { priority: 'live', signal })
    if (typeof first?.id === 'number') return start(first.id)
    const newest = await newestTrade(deps, symbol, signal)
    if (newest === undefined) return start(0)
    if (newest.time < minute - AGGREGATE_SLACK_MS) return start(newest.id + newest.count)
  }
  throw new Error(`${symbol}: the exchange contradicts itself about its trades since ${new Date(minute).toISOString()}`)
}

async function newestTrade({ exchange, rest }: Deps, symbol: string, signal: AbortSignal) {
  const recent = await rest.ask(exchange.rest.recentTrades({ symbol, limit: 1 }), { priority: 'live', signal })
  const trade = recent.at(-1)
  return typeof trade?.id === 'number' ? { id: trade.id, count: trade.count, time: trade.time } : undefined
}
