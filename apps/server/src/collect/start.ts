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
/** Coverage rests on silence for no longer than this: that much of a market without trades is asked for once more. */
const UNSURE_MS = 60_000

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly clock: ExchangeClock
  readonly maxRefill: number
  /** Since when the market is wanted, our clock, ms: however long its turn takes to come, it begins with this minute. */
  readonly since: number
}

/** Where a market's line begins: the id to ask for, and what lies before it. Times in exchange ms. */
export interface Start {
  readonly id: number
  readonly since: number
  readonly upTo: number
  /** An earlier run saw the market alive up to here. */
  readonly seen?: number
  /** An empty one says that trades are complete from there on. */
  readonly hole?: Interval
}

/** What an earlier run left of a market. */
export interface Before {
  readonly last: Trade | undefined
  /** The last stretch of which all trades are said to be known, exchange ms. */
  readonly known: Interval | undefined
}

/**
 * Goes on after the stored trade, or where coverage ends when nothing has traded yet, if the way from there to now is short
 * enough; else begins with the minute of `since`, with a hole before it. `newest`: the highest id that is known to exist.
 * Rejects as `RestClient.ask` does. The clock has to be measured.
 */
export async function findStart(
  deps: Deps,
  market: MarketId,
  { last, known }: Before,
  newest: number | undefined,
  signal: AbortSignal,
): Promise<Start> {
  const { symbol } = market
  const end = async () => newest ?? (await newestTrade(deps, symbol, signal))?.id
  if (last && typeof last.id === 'number') {
    const after = last.id + last.count
    const to = await end()
    if (to !== undefined && to >= after - 1 && to - after < deps.maxRefill)
      return { id: after, since: 0, upTo: last.time, seen: known?.to ?? 0 }
  } else if (!last && known) {
    const since = Math.max(known.from, known.to - UNSURE_MS)
    const id = await idSince(deps, symbol, since, signal)
    const to = (await end()) ?? id
    if (to - id < deps.maxRefill) return { id, since, upTo: since, seen: known.to, hole: { from: since, to: since } }
  }
  const minute = Math.floor((deps.clock.at(deps.since) ?? deps.since) / MINUTE) * MINUTE
  const from = last?.time ?? known?.to ?? 0
  const id = await idSince(deps, symbol, minute, signal)
  return { id, since: minute, upTo: 0, ...(from < minute && { hole: { from, to: minute } }) }
}

/** The id of the first trade since a time, or of the trade to come. */
async function idSince(deps: Deps, symbol: string, time: number, signal: AbortSignal): Promise<number> {
  const { exchange, rest } = deps
  const from = time - AGGREGATE_SLACK_MS
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const [first] = await rest.ask(exchange.rest.tradesBetween({ symbol, from, limit: 1 }), {
      priority: 'live',
      signal,
    })
    if (typeof first?.id === 'number') return first.id
    const newest = await newestTrade(deps, symbol, signal)
    if (newest === undefined) return 0
    if (newest.time < from) return newest.id + newest.count
  }
  throw new Error(`${symbol}: the exchange contradicts itself about its trades since ${new Date(time).toISOString()}`)
}

async function newestTrade({ exchange, rest }: Deps, symbol: string, signal: AbortSignal) {
  const recent = await rest.ask(exchange.rest.recentTrades({ symbol, limit: 1 }), { priority: 'live', signal })
  const trade = recent.at(-1)
  return typeof trade?.id === 'number' ? { id: trade.id, count: trade.count, time: trade.time } : undefined
}
