import type { Batch, Bus } from '../bus/bus.ts'
import type { Candle } from '../domain/candle.ts'
import { type Interval, knownIntervals } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import { bySize, MINUTE, nextOpen, openTime, timeframe } from '../domain/timeframe.ts'
import type { TradeBatch } from '../domain/trade.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { persevere } from '../lib/persevere.ts'
import { everyTick } from '../lib/ticks.ts'
import { together } from '../lib/together.ts'
import type { Store } from '../store/store.ts'
import { createAgenda, type Errand } from './agenda.ts'
import { type Aggregator, createAggregator } from './aggregator.ts'
import { amend } from './amend.ts'
import { aggregateExactly, type Turn } from './exactly.ts'
import { historyFrames } from './history.ts'
import { createReviser } from './late.ts'
import { clearNotes, emptyStep, type Step } from './market.ts'
import { makeMissing, rebuild } from './rebuild.ts'
import { readTail } from './resume.ts'
import { settle } from './settle.ts'
import { againstStored } from './stored.ts'

export interface AggregateDeps {
  readonly bus: Bus
  readonly store: Store
  /** Codes of the timeframes to make. */
  readonly timeframes: readonly string[]
  /** How long after its end, by the exchange's clock, a candle still waits for trades, ms. */
  readonly latenessMs?: number
  /** Forming candles of a market are at least this far apart, ms. */
  readonly formingMs?: number
  /** How soon candles that wait for history are looked at again, ms; doubles each time. */
  readonly settleMs?: number
  /** The clock that the role's errands run by; the process's own by default. It has no say in what a trade leads to. */
  readonly pace?: Pace
  readonly log: Logger
  readonly metrics: Metrics
}

export interface Pace {
  /** ms; never goes back. */
  readonly now: () => number
  /** Calls `work` again and again until the signal aborts. */
  readonly every: (ms: number, work: () => Promise<void>, signal: AbortSignal) => Promise<void>
}

/** How often markets that changed are looked at for forming candles, ms. */
const TICK_MS = 50
/**
 * The role: trades and fresh history from the bus, candles to the bus. Resolves when the signal aborts and what was
 * taken in is done; rejects when something fails that a retry can't help.
 */
export function aggregate(deps: AggregateDeps, signal: AbortSignal): Promise<void> {
  const { latenessMs = 2_000, formingMs = 250, pace = OWN_PACE, log } = deps
  const settings = { timeframes: deps.timeframes, latenessMs, formingMs }
  if (!deps.bus.process) return run(deps, createAggregator(settings), (work) => work(), signal)
  const runOn = (bus: Bus, aggregator: Aggregator, turn: Turn, stop: AbortSignal) =>
    run({ ...deps, bus }, aggregator, turn, stop)
  return aggregateExactly(deps.bus.process, { settings, run: runOn, now: pace.now, log }, signal)
}

const OWN_PACE: Pace = { now: () => performance.now(), every: everyTick }

function run(deps: AggregateDeps, aggregator: Aggregator, turn: Turn, signal: AbortSignal): Promise<void> {
  const { bus, store, log, metrics, settleMs = 1_000 } = deps
  const { now, every } = deps.pace ?? OWN_PACE
  const enabled = deps.timeframes.map(timeframe).sort(bySize)
  const frames = historyFrames(deps.timeframes)
  const revise = createReviser(store)
  const agenda = createAgenda(settleMs)
  /** Markets that were gone on with, whose older candles may have been left unmade. */
  const fresh: MarketId[] = []
  for (const { market, remake } of aggregator.markets()) {
    if (!remake && !aggregator.isUnsettled(market)) continue
    agenda.begin(market, remake, now())
    fresh.push(market)
  }

  async function publish(candles: readonly Candle[], kind: string): Promise<void> {
    if (candles.length === 0) return
    metrics.candles.inc({ kind }, candles.length)
    await bus.publish('candles', candles)
  }

  /** What is news to the store, and so to all. */
  async function publishClosed(candles: readonly Candle[], stop: AbortSignal): Promise<void> {
    const news = () => againstStored(store, aggregator, candles)
    await publish(await persevere(news, 'read stored candles', log, stop), 'closed')
  }

  async function take(batch: TradeBatch, step: Step, stop: AbortSignal): Promise<void> {
    aggregator.add(batch, step)
    if (step.began || step.remake) agenda.begin(batch, step.remake, now())
    if (step.duplicates > 0) metrics.duplicates.inc({ exchange: batch.exchange }, step.duplicates)
    if (step.lateTrades > 0) metrics.lateTrades.inc({ exchange: batch.exchange }, step.lateTrades)
    for (const late of step.late) step.candles.push(await persevere(() => revise(late), 'revise a candle', log, stop))
    clearNotes(step)
  }

  /** Goes on where an earlier process stopped, as though there had been no other. */
  async function resume({ exchange, symbol }: TradeBatch, stop: AbortSignal): Promise<void> {
    const market = { exchange, symbol }
    const tail = await persevere(() => readTail(store, market, enabled), 'read the last trades', log, stop)
    aggregator.expectStored(market, tail.storedTo)
    const step = emptyStep()
    for (const batch of tail.batches) await take(batch, step, stop)
    await publishClosed(step.candles, stop)
    fresh.push(market)
  }

  async function takeTrades(batches: Batch<'trades'>, stop: AbortSignal): Promise<void> {
    const step = emptyStep()
    for (const batch of batches) {
      if (!aggregator.has(batch)) await resume(batch, stop)
      await take(batch, step, stop)
    }
    await publishClosed(step.candles, stop)
  }

  /** Candles of `market` that touch `range` and end before the live trades, smallest timeframe first. */
  async function remake(market: MarketId, range: Interval, wanted: (code: string) => boolean): Promise<void> {
    const until = aggregator.liveFrom(market) ?? Number.POSITIVE_INFINITY
    for (const frame of enabled.filter(({ code }) => wanted(code)))
      await publish(await rebuild(store, market, frame, range, until, frames), 'revised')
  }

  /** Closed candles that touch a stretch anew from the stored trades, the smallest first, and all that hold them. */
  async function remakeClosed(market: MarketId, { from, to }: Interval): Promise<Candle[]> {
    const [base] = aggregator.lanes(market)
    if (!base) return []
    const revised = await rebuild(store, market, base.frame, { from, to }, base.closedTo, frames)
    const fill = { ...market, from, to, timeframe: base.frame.code, candles: revised.length }
    return [...revised, ...(await amend(store, aggregator, fill, frames))]
  }

  /** Whether the store covers the end of each candle under a minute that touches the stretch. */
  async function isReached(market: MarketId, { to }: Interval): Promise<boolean> {
    const parts = enabled.filter(({ ms }) => ms > 0 && ms < MINUTE)
    const end = Math.max(to, ...parts.map((frame) => nextOpen(frame, openTime(frame, to - 1))))
    const known = knownIntervals(await store.coverage(market, 'trades', { from: to - 1, to: end }))
    return (known.at(-1)?.to ?? 0) >= end
  }

  const settleOne = async (market: MarketId, stop: AbortSignal): Promise<void> =>
    publishClosed(await settle(store, aggregator, market, frames), stop)

  async function makeUnmade(market: MarketId): Promise<void> {
    const liveFrom = aggregator.liveFrom(market)
    if (liveFrom === undefined) return
    await publish(await makeMissing(store, market, aggregator.lanes(market), liveFrom, frames), 'revised')
  }

  async function runErrand(errand: Errand, stop: AbortSignal): Promise<void> {
    const { market, stretch, looks } = errand
    if (stretch && looks > 0) await publish(await remakeClosed(market, stretch), 'revised')
    await settleOne(market, stop)
    agenda.done(errand, !stretch || (await isReached(market, stretch)), aggregator.isUnsettled(market), now())
  }

  /** What is left when the signal aborts is looked after at the next start. */
  async function runErrands(stop: AbortSignal): Promise<void> {
    for (let market = fresh[0]; market && !stop.aborted; fresh.shift(), market = fresh[0])
      await turn(() => makeUnmade(market))
    for (const errand of agenda.due(now())) {
      if (stop.aborted) return
      await turn(() => runErrand(errand, stop))
    }
  }

  return together(signal, [
    async (stop) => {
      for await (const batches of bus.subscribe('trades', 'aggregate', stop)) await takeTrades(batches, stop)
    },
    async (stop) => {
      for await (const filled of bus.subscribe('filled', 'aggregate', stop)) {
        for (const fill of filled) {
          if (fill.repaired) {
            const repaired = () => amend(store, aggregator, fill, frames)
            await publish(await persevere(repaired, 'make repaired candles', log, stop), 'revised')
            agenda.begin(fill, undefined, now())
          }
          const { exchange, symbol } = fill
          const smallest = timeframe(fill.timeframe)
          const larger = (code: string) => bySize(timeframe(code), smallest) > 0
          await persevere(() => remake({ exchange, symbol }, fill, larger), 'make larger candles', log, stop)
          await persevere(() => settleOne({ exchange, symbol }, stop), 'complete first candles', log, stop)
        }
      }
    },
    (stop) =>
      every(
        Math.min(settleMs, 1_000),
        () => persevere(() => runErrands(stop), 'complete first candles', log, stop),
        stop,
      ),
    (stop) => every(TICK_MS, () => turn(() => publish(aggregator.forming(now()), 'forming')), stop),
  ])
}
