import type { Interval } from '../domain/coverage.ts'
import { type DayFold, foldDay, foldSpan, type TradeSpan } from '../domain/ledger.ts'
import { type MarketId, marketKey } from '../domain/market.ts'
import type { Store } from '../store/store.ts'

/** A fold is served again for so long, ms: it may have read a whole day of trades. */
const KEEP_MS = 15_000
const MOST_KEPT = 500

/** Folds over stored trades for answers. */
export interface Folds {
  /** With the time at which it was made, ms. */
  readonly day: (market: MarketId, day: number) => Promise<DayFold & { readonly computedAt: number }>
  readonly span: (market: MarketId, range: Interval) => Promise<TradeSpan>
}

/** One at a time, so that many requests cost no more than one; each result is kept a short while. */
export function createFolds({ store, now }: { store: Store; now: () => number }): Folds {
  let turn: Promise<unknown> = Promise.resolve()

  function inTurn<R>(work: () => Promise<R>): Promise<R> {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  function remembering<R>(fold: (market: MarketId, range: Interval) => Promise<R>) {
    const results = new Map<string, { readonly until: number; readonly result: Promise<R> }>()
    return (market: MarketId, range: Interval): Promise<R> => {
      const time = now()
      const key = `${marketKey(market)} ${range.from} ${range.to}`
      for (const [name, { until }] of results) if (until <= time || results.size > MOST_KEPT) results.delete(name)
      const known = results.get(key)
      if (known) return known.result
      const result = inTurn(() => fold(market, range))
      results.set(key, { until: time + KEEP_MS, result })
      result.catch(() => results.delete(key))
      return result
    }
  }

  const trades = (market: MarketId) => (range: Interval) => store.trades(market, range)
  const day = remembering(async (market, { from }) => {
    const computedAt = now()
    return { ...(await foldDay(from, trades(market))), computedAt }
  })
  return {
    day: (market, from) => day(market, { from, to: from }),
    span: remembering((market, range) => foldSpan(range, trades(market))),
  }
}
