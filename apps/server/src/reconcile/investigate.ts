import type { Candle } from '../domain/candle.ts'
import { differing, onlyRounding } from '../domain/compare.ts'
import { explainDifference, type Reason } from '../domain/difference.ts'
import { foldTrades } from '../domain/fold.ts'
import { nextOpen, timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Store } from '../store/store.ts'
import { tradesOf } from './intervalTrades.ts'

export interface Finding {
  readonly reason: Reason
  /** What ours is to be replaced by, revision apart; undefined where ours stays. */
  readonly better?: Candle
  /** Trades that belong into the store. */
  readonly trades?: readonly Trade[]
  /** To be looked at again later: nobody can say yet. */
  readonly unsettled?: boolean
}

interface Deps {
  readonly rest: RestClient
  readonly store: Pick<Store, 'trades' | 'lastTrade'>
  /** The exchange's clock, ms. */
  readonly now: () => number
}

/** The exchange's closed candle of one time as it gives it now. Rejects as `RestClient.ask`. */
export async function askCandle(
  { rest, now }: Pick<Deps, 'rest' | 'now'>,
  { symbol, timeframe: code, time }: Candle,
  signal: AbortSignal,
): Promise<Candle | undefined> {
  const query = { symbol, timeframe: code, from: time, to: time, limit: 1, now: now() }
  const candles = await rest.ask(rest.exchange.rest.candles(query), { priority: 'backfill', signal })
  return candles.find((candle) => candle.time === time && candle.closed)
}

/**
 * Finds out why `ours` differs from `theirs`: asks for the exchange's candle once more, and for the trades of a candle
 * of up to a minute by their ids. Rejects as `RestClient.ask` and the store.
 */
export async function investigate(deps: Deps, ours: Candle, theirs: Candle, signal: AbortSignal): Promise<Finding> {
  const again = await askCandle(deps, theirs, signal)
  if (!again) return { reason: 'exchange_revision', unsettled: true }
  if (differing(ours, again).length === 0) return { reason: 'exchange_revision' }
  if (differing(theirs, again).length > 0) return { reason: 'exchange_revision', unsettled: true }
  if (onlyRounding(ours, again, differing(ours, again))) return { reason: 'precision' }
  const frame = timeframe(ours.timeframe)
  const interval = { from: ours.time, to: nextOpen(frame, ours.time) }
  const trades = await tradesOf(deps.rest, ours, interval, signal)
  if (!trades) return { reason: 'unexplained', better: again }
  const [stored, last] = await Promise.all([deps.store.trades(ours, interval), deps.store.lastTrade(ours)])
  const reason = explainDifference({ ours, theirs: again, stored, whole: false, given: trades, last })
  if (reason === 'late') return { reason, unsettled: true }
  const [folded] = foldTrades(trades, frame)
  if (!folded || differing(folded, again).length > 0) return { reason, better: again }
  return { reason, better: folded, trades }
}
