import type { Batch, Bus } from '../bus/bus.ts'
import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { type MarketId, marketKey } from '../domain/market.ts'
import { bySize, MINUTE, timeframe } from '../domain/timeframe.ts'
import type { TradeBatch } from '../domain/trade.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { persevere } from '../lib/persevere.ts'
import { everyTick } from '../lib/ticks.ts'
import { together } from '../lib/together.ts'
import type { Store } from '../store/store.ts'
import { createAggregator } from './aggregator.ts'
import { historyFrames } from './history.ts'
import { createReviser } from './late.ts'
import { emptyStep } from './market.ts'
import { rebuild } from './rebuild.ts'
import { settle } from './settle.ts'

export interface AggregateDeps {
  readonly bus: Bus
  readonly store: Store
  /** Codes of the timeframes to make. */
  readonly timeframes: readonly string[]
  /** How long after its end, by the exchange's clock, a candle still waits for trades, ms. */
  readonly latenessMs?: number
  /** Forming candles of a market are at least this far apart, ms. */
  readonly formingMs?: number
  /** How often candles that wait for history are looked at again, ms. */
  readonly settleMs?: number
  readonly log: Logger
  readonly metrics: Metrics
}

/** How often markets that changed are looked at for forming candles, ms. */
const TICK_MS = 50
/** A process that stopped may have left trades of this long without their candles, ms. */
const DOUBT_MS = 5 * MINUTE

/**
 * The role: trades and fresh history from the bus, candles to the bus. Resolves when the signal aborts and what was
 * taken in is done; rejects when something fails that a retry can't help.
 */
export function aggregate(deps: AggregateDeps, signal: AbortSignal): Promise<void> {
  const { bus, store, log, metrics } = deps
  const { latenessMs = 2_000, formingMs = 250, settleMs = 5_000 } = deps
  const aggregator = createAggregator({ timeframes: deps.timeframes, latenessMs, formingMs })
  const enabled = deps.timeframes.map(timeframe).sort(bySize)
  const frames = historyFrames(deps.timeframes)
  const revise = createReviser(store)
  /** Markets that began anew, and since when their stored candles may be behind their stored trades. */
  const begun = new Map<string, { market: MarketId; doubt: Interval }>()

  async function publish(candles: readonly Candle[], kind: string): Promise<void> {
    if (candles.length === 0) return
    metrics.candles.inc({ kind }, candles.length)
    await bus.publish('candles', candles)
  }

  function noteBeginning(batch: TradeBatch): void {
    const { exchange, symbol, hole } = batch
    const liveFrom = aggregator.liveFrom(batch)
    if (liveFrom === undefined || hole?.from === 0) return
    const from = hole ? hole.from : (batch.trades[0]?.time ?? batch.upTo)
    const doubt = { from: from - DOUBT_MS, to: Math.min(from + MINUTE, liveFrom) }
    begun.set(marketKey(batch), { market: { exchange, symbol }, doubt })
  }

  async function takeTrades(batches: Batch<'trades'>, stop: AbortSignal): Promise<void> {
    const closed: Candle[] = []
    for (const batch of batches) {
      const step = aggregator.add(batch, emptyStep())
      closed.push(...step.candles)
      if (step.holed) noteBeginning(batch)
      if (step.duplicates > 0) metrics.duplicates.inc({ exchange: batch.exchange }, step.duplicates)
      if (step.lateTrades > 0) metrics.lateTrades.inc({ exchange: batch.exchange }, step.lateTrades)
      for (const late of step.late) closed.push(await persevere(() => revise(late), 'revise a candle', log, stop))
    }
    await publish(closed, 'closed')
  }

  /** Candles of `market` that touch `range` and end before the live trades, smallest timeframe first. */
  async function remake(market: MarketId, range: Interval, from: (code: string) => boolean): Promise<void> {
    const until = aggregator.liveFrom(market) ?? Number.POSITIVE_INFINITY
    for (const frame of enabled.filter(({ code }) => from(code)))
      await publish(await rebuild(store, market, frame, range, until, frames), 'revised')
  }

  async function settleAll(): Promise<void> {
    for (const [key, { market, doubt }] of begun) {
      await remake(market, doubt, () => true)
      begun.delete(key)
    }
    for (const market of aggregator.unsettled())
      await publish(await settle(store, aggregator, market, frames), 'closed')
  }

  return together(signal, [
    async (stop) => {
      for await (const batches of bus.subscribe('trades', 'aggregate', stop)) await takeTrades(batches, stop)
    },
    async (stop) => {
      for await (const filled of bus.subscribe('filled', 'aggregate', stop)) {
        for (const fill of filled) {
          const { exchange, symbol } = fill
          const smallest = timeframe(fill.timeframe)
          const larger = (code: string) => bySize(timeframe(code), smallest) > 0
          await persevere(() => remake({ exchange, symbol }, fill, larger), 'make larger candles', log, stop)
        }
        await persevere(settleAll, 'complete first candles', log, stop)
      }
    },
    (stop) => everyTick(settleMs, () => persevere(settleAll, 'complete first candles', log, stop), stop),
    (stop) => everyTick(TICK_MS, () => publish(aggregator.forming(performance.now()), 'forming'), stop),
  ])
}
