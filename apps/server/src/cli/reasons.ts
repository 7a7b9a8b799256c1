import type { Candle } from '../domain/candle.ts'
import { covers, type Interval, knownIntervals } from '../domain/coverage.ts'
import { explainDifference, type Reason } from '../domain/difference.ts'
import { flatCandle } from '../domain/fill.ts'
import { HOUR, MINUTE, nextOpen, type Timeframe } from '../domain/timeframe.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { investigate } from '../reconcile/investigate.ts'
import type { Store } from '../store/store.ts'

/**
 * What a row of `check` came to: why the two candles differ; or only one side has one: we hold nothing of that time and
 * say so (`unknown`), or the reference has none (`no_candle`).
 */
export type Kind = Reason | 'unknown' | 'no_candle'

interface Deps {
  readonly store: Store
  readonly frame: Timeframe
  /** Asked for its own trades of candles of up to a minute; without it only what is stored can tell. */
  readonly client?: RestClient
  /** Candles about which the exchange is asked at most. */
  readonly asks: number
  readonly signal: AbortSignal
}

/** Tells why a candle of the reference is not the one of ours. Rejects as `RestClient.ask` and the store. */
export function createReasons({ store, frame, client, asks, signal }: Deps) {
  let asked = 0

  async function kindOf(own: Candle | undefined, theirs: Candle): Promise<Kind> {
    const interval = { from: theirs.time, to: nextOpen(frame, theirs.time) }
    const [held, tradesHeld] = await Promise.all([isHeld(theirs, interval, frame.code), isHeld(theirs, interval)])
    if (!own && !held && !tradesHeld) return 'unknown'
    const ours = own ?? flatCandle(theirs, frame.code, theirs.time, theirs.open)
    if (client && frame.ms > 0 && frame.ms <= MINUTE && asked < asks) {
      asked++
      return (await investigate({ rest: client, store, now: Date.now }, ours, theirs, signal)).reason
    }
    // Trades of a longer candle are too many to read for one row of a table.
    const stored = frame.ms > 0 && frame.ms <= HOUR ? await store.trades(theirs, interval) : []
    const count = stored.reduce((sum, trade) => sum + trade.count, 0)
    return explainDifference({ ours, theirs, stored, whole: tradesHeld && count > 0 && count >= ours.trades })
  }

  async function isHeld(of: Candle, interval: Interval, series = 'trades'): Promise<boolean> {
    return covers(knownIntervals(await store.coverage(of, series, interval)), interval.from, interval.to)
  }

  return kindOf
}
