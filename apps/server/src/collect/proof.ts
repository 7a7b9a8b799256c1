import type { Interval } from '../domain/coverage.ts'
import { subtract } from '../domain/intervals.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { UNPROVEN_MS } from './line.ts'

const SECOND = 1_000
/** Proof is asked for of no longer a stretch than so many pages of candles tell of. */
const PROOF_PAGES = 4

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  /** Our clock, ms. */
  readonly now: () => number
}

/** Whether the exchange's own candles can tell where in a stretch it was up. */
export const isProvable = ({ timeframes, omitsQuietCandles, limits }: Exchange, { from, to }: Interval): boolean =>
  timeframes.includes('1s') && !omitsQuietCandles && to - from <= PROOF_PAGES * limits.candlesPerRequest * SECOND

/**
 * Where in a stretch (exchange ms) the exchange was up: it has a candle of each such second, be it a flat one.
 * Rejects as `RestClient.ask` does.
 */
export async function upWithin(
  { exchange, rest, now }: Deps,
  symbol: string,
  { from, to }: Interval,
  signal: AbortSignal,
): Promise<Interval[]> {
  const limit = exchange.limits.candlesPerRequest
  const down: Interval[] = []
  let next = Math.floor(from / SECOND) * SECOND
  const missed = (until: number) => {
    // It may have gone and come back within a second that has a candle.
    const stretch = { from: Math.max(from, next - SECOND), to: Math.min(to, until + SECOND) }
    if (until - next >= UNPROVEN_MS - 2 * SECOND) down.push(stretch)
  }
  for (let page = next; page < to; page += limit * SECOND) {
    const last = Math.min(to - 1, page + (limit - 1) * SECOND)
    const request = exchange.rest.candles({ symbol, timeframe: '1s', from: page, to: last, limit, now: now() })
    for (const { time } of await rest.ask(request, { priority: 'live', signal })) {
      missed(time)
      next = time + SECOND
    }
  }
  missed(Math.ceil(to / SECOND) * SECOND)
  return subtract([{ from, to }], down)
}
