import type { Bus } from '../bus/bus.ts'
import type { Candle } from '../domain/candle.ts'
import { differing } from '../domain/compare.ts'
import { flatCandle } from '../domain/fill.ts'
import { bySize, MINUTE, nextOpen, openTime, roughMs, timeframe } from '../domain/timeframe.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { everyTick } from '../lib/ticks.ts'
import { together } from '../lib/together.ts'
import type { Store } from '../store/store.ts'
import { auditPage, type Page } from './audit.ts'
import { askCandle, type Finding, investigate } from './investigate.ts'
import { createPairs, type Pair } from './pairs.ts'
import { repair } from './repair.ts'
import { createSchedule, type Look } from './schedule.ts'
import { createSuspects, type Suspect } from './suspects.ts'
import { createTally, type ReconcileStatus } from './tally.ts'

export type { ReconcileStatus }

/** Looks into one candle before it is left as it is. */
const LOOKS = 5
/** Nothing that can wait is asked while more than this share of the request budget is in use. */
const IDLE_SHARE = 0.5
const COMPARE_EVERY_MS = 250

export interface ReconcileDeps {
  readonly rest: RestClient
  readonly bus: Bus
  readonly store: Store
  /** The symbols that are collected at the moment. */
  readonly symbols: () => readonly string[]
  /** Codes of the timeframes that are kept. */
  readonly timeframes: readonly string[]
  /** How long neither candle may have changed before the two are compared, ms. */
  readonly settleMs?: number
  /** How long after a difference it is looked into: late trades need that long, ms. Doubles with each look. */
  readonly confirmMs?: number
  /** One request for each symbol in this time, ms. */
  readonly auditEveryMs?: number
  /** What closed less than this ago is left to the live comparison, ms. */
  readonly auditLagMs?: number
  /** At most one candle is looked into and one series audited in this time, ms. */
  readonly tickMs?: number
  /** The exchange's clock, ms. */
  readonly now: () => number
  readonly log: Logger
  readonly metrics: Metrics
}

export interface Reconciler {
  /** Until the signal aborts; rejects when something fails that a retry can't help. */
  run(signal: AbortSignal): Promise<void>
  status(): ReconcileStatus
}

/**
 * The role: each closed candle is held against the exchange's own, minutes as they close, the others and what was
 * missed by REST while the request budget is idle. What differs is looked into, counted by its reason, and repaired
 * with a revision from the better source: the exchange's trades by their ids, else its candle.
 */
export function createReconciler(deps: ReconcileDeps): Reconciler {
  const { rest, bus, store, log, metrics, now } = deps
  const { settleMs = 3_000, confirmMs = 10_000, auditEveryMs = 30 * MINUTE, auditLagMs = 2 * MINUTE } = deps
  const { exchange } = rest
  const kept = deps.timeframes.map(timeframe).sort(bySize)
  const audited = kept.filter((frame) => roughMs(frame) >= MINUTE && exchange.timeframes.includes(frame.code))
  const pairs = createPairs(settleMs)
  const suspects = createSuspects(confirmMs)
  const schedule = createSchedule(audited, exchange.limits.candlesPerRequest, auditEveryMs, auditLagMs)
  const tally = createTally(exchange.id, metrics)
  const clock = () => performance.now()
  const idle = () => rest.usage().used < rest.usage().limit * IDLE_SHARE && rest.usage().blockedUntil === 0

  const storedOne = async (candle: Candle): Promise<Candle | undefined> =>
    (await store.candles(candle, { from: candle.time, to: candle.time }))[0]

  async function compare({ ours, theirs }: Pair): Promise<void> {
    const own = (await storedOne(ours)) ?? ours
    if (suspects.has(theirs)) return
    if (agree(own, theirs)) tally.count('equal', theirs.timeframe)
    else suspects.add(own, theirs, clock())
  }

  async function compareDue(): Promise<void> {
    for (const pair of pairs.due(clock())) await hindered(compare(pair), 'compare a candle')
    for (const candle of pairs.alone(clock(), auditLagMs)) schedule.hurry(candle)
  }

  /** A larger candle is made anew from the smaller ones first, which have been compared for themselves. */
  async function lookIntoLarger(own: Candle, { theirs, looks }: Suspect, signal: AbortSignal): Promise<Finding> {
    if (looks === 0) {
      const { exchange: id, symbol, time: from } = theirs
      const to = nextOpen(timeframe(theirs.timeframe), from)
      const fill = { exchange: id, symbol, from, to, timeframe: '1m', candles: 0, repaired: true } as const
      await bus.publish('filled', [fill])
      return { reason: 'damaged', unsettled: true }
    }
    const again = await askCandle({ rest, now }, theirs, signal)
    if (!again || differing(theirs, again).length > 0) return { reason: 'exchange_revision', unsettled: true }
    if (differing(own, again).length === 0) return { reason: 'damaged' }
    return { reason: 'unexplained', better: again }
  }

  async function lookInto(suspect: Suspect, signal: AbortSignal): Promise<void> {
    const { theirs, looks } = suspect
    const code = theirs.timeframe
    const own = (await storedOne(theirs)) ?? suspect.ours
    if (agree(own, theirs)) {
      suspects.clear(suspect)
      tally.count(roughMs(timeframe(code)) > MINUTE ? 'damaged' : 'late', code)
      return
    }
    const larger = roughMs(timeframe(code)) > MINUTE
    const found = larger
      ? await lookIntoLarger(own, suspect, signal)
      : await investigate({ rest, store, now }, own, theirs, signal)
    if (found.unsettled && looks < LOOKS) {
      suspects.later(suspect, clock())
      return
    }
    suspects.clear(suspect)
    const outcome = suspect.absent ? 'absent' : found.reason
    tally.count(outcome, code)
    const { exchange: id, symbol, time } = theirs
    const better = found.unsettled ? undefined : found.better
    log.warn(
      { exchange: id, symbol, timeframe: code, time, outcome, figures: differing(own, theirs), repaired: !!better },
      "a candle differed from the exchange's own",
    )
    if (!better) return
    await repair({ bus, store, frames: kept }, own, better, found.trades)
    tally.repaired(code, better.source === 'trades' ? 'trades' : 'exchange')
  }

  async function lookIntoNext(signal: AbortSignal): Promise<void> {
    const suspect = suspects.due(clock())
    if (!suspect) return
    suspects.postpone(suspect, clock())
    await hindered(lookInto(suspect, signal), 'look into a candle', signal)
  }

  async function auditNext(signal: AbortSignal): Promise<void> {
    if (!idle()) return
    const look = schedule.next(deps.symbols(), now())
    if (look) await hindered(audit(look, signal), 'audit a series', signal)
  }

  async function audit(look: Look, signal: AbortSignal): Promise<void> {
    const market = { exchange: exchange.id, symbol: look.symbol }
    const page = await auditPage({ rest, store, now }, market, look.frame, look, signal)
    const at = clock()
    const { code } = look.frame
    for (const { ours, theirs } of page.pairs) {
      if (agree(ours, theirs)) tally.count('equal', code)
      else suspects.add(ours, theirs, at)
    }
    for (const theirs of page.absent) suspects.add(flatCandle(market, code, theirs.time, theirs.open), theirs, at, true)
    tally.count('equal', code, page.quiet)
    if (look.frame.ms === MINUTE) await withdraw(market, page)
    schedule.done(look, page.reached, now())
  }

  /** The exchange stood still where we held a quiet market: nobody can say what would have been. */
  async function withdraw(market: { exchange: string; symbol: string }, { unproven }: Page): Promise<void> {
    if (unproven.length === 0 || exchange.omitsQuietCandles) return
    await store.cover(unproven.map((part) => ({ ...market, ...part, series: 'trades', state: 'unknown' })))
    await bus.publish(
      'gaps',
      unproven.map((part) => ({ ...market, ...part })),
    )
    const minutes = unproven.reduce((sum, { from, to }) => sum + (to - openTime(timeframe('1m'), from)) / MINUTE, 0)
    tally.count('no_candle', '1m', minutes)
    log.warn({ ...market, minutes, gaps: unproven }, 'the exchange has no candles where nothing traded: unknown')
  }

  /** A failure that a retry may help leaves the work for later. */
  async function hindered(work: Promise<void>, what: string, signal?: AbortSignal): Promise<void> {
    try {
      await work
    } catch (error) {
      if (signal?.aborted) return
      if (!isFailure(error)) throw error
      log.warn({ exchange: exchange.id, err: error }, `${what}: trying again later`)
    }
  }

  return {
    status: () => ({ ...tally.read(), pending: suspects.size() }),
    run: (outer) =>
      together(outer, [
        async (signal) => {
          for await (const candles of bus.subscribe('exchangeCandles', 'reconcile', signal)) {
            for (const candle of candles)
              if (candle.closed && candle.exchange === exchange.id) pairs.theirs(candle, clock())
          }
        },
        async (signal) => {
          for await (const candles of bus.subscribe('candles', 'reconcile', signal)) {
            for (const candle of candles)
              if (candle.closed && candle.timeframe === '1m' && candle.exchange === exchange.id)
                pairs.ours(candle, clock())
          }
        },
        (signal) => everyTick(Math.min(COMPARE_EVERY_MS, settleMs), compareDue, signal),
        (signal) =>
          everyTick(
            deps.tickMs ?? 1_000,
            async () => {
              await lookIntoNext(signal)
              await auditNext(signal)
            },
            signal,
          ),
      ]),
  }
}

/** Of two quiet candles the price is that of the trade before them, and is compared there: a late one moves it afterwards. */
const agree = (ours: Candle, theirs: Candle): boolean =>
  (ours.volume === 0 && theirs.volume === 0) || differing(ours, theirs).length === 0
