import type { Candle } from '../domain/candle.ts'
import { type Coverage, covers, type Interval, knownIntervals } from '../domain/coverage.ts'
import { clip, missing, subtract } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import { nextOpen, openTime, type Timeframe } from '../domain/timeframe.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Store } from '../store/store.ts'
import type { Look } from './schedule.ts'

/** What a page of the exchange's candles is to be held against. */
export interface Page {
  /** Candles that both have. */
  readonly pairs: { readonly ours: Candle; readonly theirs: Candle }[]
  /** Candles of the exchange that traded, of times that we hold to be known, and we have none. */
  readonly absent: Candle[]
  /** The exchange's flat candles of times in which we know that nothing traded. */
  readonly quiet: number
  /** Whole candles of times that we hold to be quiet, of which the exchange has none: it stood still. */
  readonly unproven: Interval[]
  /** Everything before it has been looked at, ms. */
  readonly reached: number
}

interface Deps {
  readonly rest: RestClient
  readonly store: Store
  readonly now: () => number
}

/**
 * Holds one page of the exchange's closed candles that open in `[from, to)` against what is stored: one request.
 * Rejects as `RestClient.ask` and the store.
 */
export async function auditPage(
  { rest, store, now }: Deps,
  market: MarketId,
  frame: Timeframe,
  { from, to, follows }: Pick<Look, 'from' | 'to' | 'follows'>,
  signal: AbortSignal,
): Promise<Page> {
  const { exchange } = rest
  const limit = exchange.limits.candlesPerRequest
  const query = { symbol: market.symbol, timeframe: frame.code, from, to: to - 1, limit, now: now() }
  const rows = await rest.ask(exchange.rest.candles(query), { priority: 'backfill', signal })
  const theirs = rows.filter(({ closed, time }) => closed && openTime(frame, time) === time)
  const last = theirs.at(-1)
  const reached = last ? nextOpen(frame, last.time) : from
  const series = { ...market, timeframe: frame.code }
  const [stored, coverage] = await Promise.all([
    store.candles(series, { from, to: reached - 1 }),
    store.coverage(market, 'trades', { from, to: reached }),
  ])
  const ours = new Map(stored.map((candle) => [candle.time, candle]))
  const known = knownIntervals(coverage)
  const lacking = theirs.filter(({ time }) => !ours.has(time) && covers(known, time, nextOpen(frame, time)))
  return {
    pairs: theirs.flatMap((candle) => {
      const own = ours.get(candle.time)
      return own ? [{ ours: own, theirs: candle }] : []
    }),
    absent: lacking.filter(({ volume }) => volume > 0),
    quiet: lacking.filter(({ volume }) => volume === 0).length,
    // Before its first candle the exchange may have had no such market.
    unproven: findUnproven(theirs, stored, coverage, frame, {
      from: follows ? from : (theirs[0]?.time ?? reached),
      to: reached,
    }),
    reached,
  }
}

function findUnproven(
  theirs: readonly Candle[],
  stored: readonly Candle[],
  coverage: readonly Coverage[],
  frame: Timeframe,
  range: Interval,
): Interval[] {
  const spans = [...theirs, ...stored].map(({ time }) => ({ from: time, to: nextOpen(frame, time) }))
  const bare = missing(range, spans)
  return clip(bare, range).flatMap((part) => subtract([part], missing(part, knownIntervals(coverage))))
}
