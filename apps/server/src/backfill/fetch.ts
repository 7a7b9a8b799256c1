import type { Bus } from '../bus/bus.ts'
import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import { nextOpen, timeframe } from '../domain/timeframe.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Store } from '../store/store.ts'
import { sayListing } from './listing.ts'
import { checkPage } from './page.ts'

/** How late the exchange's history may be, ms. */
const RECENT_MS = 120_000

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly store: Store
  readonly bus: Bus
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => number
}

export interface Fetched {
  readonly candles: number
  /** Everything before it is stored, ms. */
  readonly cursor: number
}

/**
 * Brings the candles of one interval, which lies on the grid, into the store: a page is looked through, written, covered
 * and announced before the next is asked for. Rejects as `RestClient.ask` and the store do; what came before is kept.
 */
export async function* fetchInterval(
  deps: Deps,
  market: MarketId,
  code: string,
  interval: Interval,
  signal: AbortSignal,
): AsyncGenerator<Fetched> {
  for (let from = interval.from; from < interval.to; ) {
    const to = pageEnd(code, from, interval.to, deps.exchange.limits.candlesPerRequest)
    yield { candles: await fetchPage(deps, market, code, { from, to }, signal), cursor: to }
    from = to
  }
}

async function fetchPage(
  deps: Deps,
  market: MarketId,
  code: string,
  page: Interval,
  signal: AbortSignal,
): Promise<number> {
  const { exchange, rest, store, bus, log, metrics, now } = deps
  const limit = exchange.limits.candlesPerRequest
  const range = { symbol: market.symbol, timeframe: code, from: page.from, to: page.to - 1, limit, now: now() }
  const candles = await rest.ask(exchange.rest.candles(range), { priority: 'backfill', signal })
  const { good, bad, coverage: seen } = checkPage(candles, { ...market, ...page, series: code })
  const coverage = await sayListing(rest, seen, now(), signal)
  for (const { candle, reason } of bad) {
    metrics.quarantined.inc({ exchange: exchange.id, reason: 'candle' })
    log.warn({ ...market, timeframe: code, candle, reason }, 'a candle of the exchange is not used')
  }
  await store.putCandles(good)
  // A candle that has just closed may come late: left unsaid, the next scan asks for it again.
  await store.cover(coverage.filter(({ state, to }) => state !== 'unknown' || to <= now() - RECENT_MS))
  metrics.backfilled.inc({ exchange: exchange.id }, good.length)
  if (good.length) await bus.publish('filled', [{ ...market, ...page, timeframe: code, candles: good.length }])
  return good.length
}

/** The end of the page that begins at `from`: at most `size` candles. */
function pageEnd(code: string, from: number, to: number, size: number): number {
  const frame = timeframe(code)
  if (frame.ms) return Math.min(to, from + size * frame.ms)
  let end = from
  for (let count = 0; count < size && end < to; count++) end = nextOpen(frame, end)
  return end
}
