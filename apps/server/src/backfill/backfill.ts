import { setInterval } from 'node:timers/promises'
import type { Bus } from '../bus/bus.ts'
import type { Interval } from '../domain/coverage.ts'
import { subtract } from '../domain/intervals.ts'
import { HOUR, nextOpen, openTime, timeframe } from '../domain/timeframe.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { failure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Job, Store } from '../store/store.ts'
import { notHeld, type Wanted, wantedAtStart } from './audit.ts'
import { createBoard } from './board.ts'
import { type Fetched, fetchInterval } from './fetch.ts'
import type { Progress } from './jobs.ts'
import { lackingLarger } from './larger.ts'
import { fetchable, type Load, loadOf, type Plan, planFetch, seconds } from './plan.ts'
import type { Priority } from './queue.ts'
import { createRepairs } from './repair.ts'

export type { Plan, Priority, Progress }

/** The exchange's history and the recorder's coverage may be this much behind, ms. */
const SETTLE_MS = 3_000
/** The scan leaves the newest minutes to the live feed and the repairs. */
const SCAN_LAG_MS = 120_000
const REPAIR_EVERY_MS = 1_000
const FIRST_LATENCY_MS = 200
/** Requests that measure how quickly the exchange answers. */
const PROBES = 2
/** Wait before a failed job is tried again; doubles. */
const RETRY_MS = 2_500

export interface BackfillDeps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly bus: Bus
  readonly store: Store
  /** The symbols that are collected at the moment. */
  readonly symbols: () => readonly string[]
  /** Enabled timeframes. */
  readonly timeframes: readonly string[]
  readonly lookbackHours?: number
  readonly scanEverySeconds?: number
  /** Jobs that run at the same time. */
  readonly concurrency?: number
  readonly log: Logger
  readonly metrics: Metrics
  readonly progress?: (progress: Progress) => void
  /** The exchange's clock, ms: what has closed there may be fetched. Ours when not given. */
  readonly now?: () => number
}

export interface HistoryRequest {
  readonly symbol: string
  readonly timeframe: string
  /** Open times, ms, `to` exclusive; widened to whole candles, ended where candles have closed. */
  readonly from: number
  readonly to: number
  readonly priority?: Priority
}

/** `weight` in the exchange's unit of cost. */
export interface Cost {
  readonly requests: number
  readonly weight: number
  readonly seconds: number
}

export interface BackfillStatus {
  readonly exchange: string
  readonly mode: 'gap_filling' | 'websocket_only' | 'rest_fallback'
  readonly jobs: Readonly<Record<'running' | 'queued' | 'done' | 'failed' | 'cancelled', number>>
  readonly repairsPending: number
  readonly candlesWritten: number
  readonly requestsDone: number
  /** Until the jobs at hand are done, s. */
  readonly estimatedSeconds: number
  /** Our clock, ms; 0 before the first. */
  readonly lastScanAt: number
}

export interface Backfill {
  /** Analyses, fills, repairs and scans until the signal aborts; unfinished jobs go on at the next start. */
  run(signal: AbortSignal): Promise<void>
  /** Plans and queues a fetch of what is missing. A job with nothing to do is `done` at once. */
  request(request: HistoryRequest): Promise<{ job: Job; plan: Plan }>
  /** What a request would fetch and cost. Throws `INVALID_TIMEFRAME`, `INVALID_RANGE`. */
  plan(request: HistoryRequest): Promise<Plan>
  /**
   * What all of these would cost, run together. Asks the exchange twice when it does not know yet how quickly that answers.
   * Rejects as `plan` and `RestClient.ask`.
   */
  estimate(requests: readonly HistoryRequest[], signal: AbortSignal): Promise<Cost>
  /** Resolves with the job once it is done, failed or cancelled, or when the signal aborts. */
  settled(id: string, signal: AbortSignal): Promise<Job | undefined>
  cancel(id: string): Promise<Job | undefined>
  status(): BackfillStatus
}

/** History: sees what is missing, says what it costs, fetches only that, and keeps at it. */
export function createBackfill(deps: BackfillDeps): Backfill {
  const { exchange, rest, bus, store, log, metrics, now = Date.now } = deps
  const { lookbackHours = 24, scanEverySeconds = 300, concurrency = 4 } = deps
  const repairs = createRepairs(lookbackHours * HOUR, SETTLE_MS)
  const minute = timeframe('1m')
  const analysed = new Set<string>()
  let latencyMs = FIRST_LATENCY_MS
  let fallbacks = 0
  let lastScanAt = 0
  let requestsDone = 0
  let candlesWritten = 0

  async function* fetch(job: Job, interval: Interval, signal: AbortSignal): AsyncGenerator<Fetched> {
    let began = now()
    const context = { exchange, rest, store, bus, log, metrics, now }
    const market = { exchange: job.exchange, symbol: job.symbol }
    for await (const fetched of fetchInterval(context, market, job.timeframe, interval, signal)) {
      latencyMs += (now() - began - latencyMs) / 8
      requestsDone += 1
      candlesWritten += fetched.candles
      // What the job does with a page counts: the next one waits for it.
      began = now()
      yield fetched
    }
  }
  const board = createBoard({
    exchange,
    store,
    log,
    now,
    concurrency,
    progress: deps.progress,
    fetch,
    audit: (job) => notHeld(store, job, job.timeframe, job, true),
    retryMs: (failures) => Math.max(rest.usage().blockedUntil - now(), RETRY_MS * 2 ** failures),
    fellBack(active) {
      fallbacks += active ? 1 : -1
    },
  })

  /** The request in whole, closed candles of a timeframe that the exchange has. */
  function normalise({ symbol, timeframe: code, from, to }: HistoryRequest) {
    if (from > to) throw failure('INVALID_RANGE', {})
    const series = fetchable(exchange, code)
    const frame = timeframe(series)
    const closed = openTime(frame, now() - SETTLE_MS)
    const end = to > closed ? closed : nextOpen(frame, openTime(frame, to - 1))
    return { market: { exchange: exchange.id, symbol }, series, range: { from: openTime(frame, from), to: end } }
  }
  function price(series: string, missing: readonly Interval[]): Plan {
    return planFetch(exchange, series, missing, rest.usage(), latencyMs, now())
  }
  async function planOf(request: HistoryRequest, again: boolean): Promise<Plan> {
    const { market, series, range } = normalise(request)
    return price(series, await notHeld(store, market, series, range, again))
  }
  /** Leaves out what an open job is about to fetch. */
  function unplanned(symbol: string, plan: Plan): Plan {
    const underWay = board
      .open()
      .filter((job) => job.symbol === symbol && job.timeframe === plan.timeframe)
      .map(({ cursor, to }) => ({ from: cursor, to }))
    return underWay.length ? price(plan.timeframe, subtract(plan.missing, underWay)) : plan
  }
  /** For the analysis: when it can't be found out what is missing, all of it is. */
  async function planOrAll(request: HistoryRequest): Promise<Plan> {
    try {
      return await planOf(request, false)
    } catch (error) {
      log.warn(
        { exchange: exchange.id, symbol: request.symbol, err: error },
        'the analysis failed; the whole range counts',
      )
      const { series, range } = normalise(request)
      return price(series, range.from < range.to ? [range] : [])
    }
  }

  /** Queues what is missing of every symbol and says beforehand what it costs. */
  async function analyse(symbols: Iterable<string>, wanted: readonly Wanted[], occasion: string): Promise<void> {
    const found: { request: HistoryRequest; plan: Plan }[] = []
    for (const symbol of symbols) {
      for (const stretch of wanted) {
        const request = { symbol, ...stretch }
        const plan = unplanned(symbol, await planOrAll(request))
        if (plan.missing.length) found.push({ request, plan })
      }
    }
    lastScanAt = now()
    const plans = found.map(({ plan }) => plan)
    if (plans.length)
      log.info(
        { exchange: exchange.id, occasion, jobs: plans.length, ...costOf(plans) },
        'history is missing and will be fetched',
      )
    else log.info({ exchange: exchange.id, occasion }, 'no history is missing: the live feed is enough')
    for (const { request, plan } of found) await board.add(request.symbol, request, plan)
  }
  function costOf(jobs: Parameters<typeof loadOf>[0]): Cost {
    const load: Load = loadOf(jobs, concurrency)
    const { requests, weight } = load
    return { requests, weight, seconds: seconds(exchange, load, rest.usage(), latencyMs, now()) }
  }
  /** How long the exchange takes to answer; the first answer has the connection to make and is not counted. */
  async function measure(symbol: string, { timeframe: code, missing }: Plan, signal: AbortSignal): Promise<void> {
    const [first] = missing
    if (requestsDone > 0 || !first) return
    const limit = exchange.limits.candlesPerRequest
    const range = { symbol, timeframe: code, from: first.from, to: first.to - 1, limit, now: now() }
    for (let tries = 0; tries < PROBES; tries++) {
      const began = performance.now()
      await rest.ask(exchange.rest.candles(range), { priority: 'backfill', signal })
      if (tries > 0) latencyMs = performance.now() - began
    }
  }

  /** Has larger candles made of what an earlier process stored and did not come to roll up. */
  async function complete(symbol: string, { timeframe: code, from, to }: Wanted): Promise<void> {
    const market = { exchange: exchange.id, symbol }
    const until = now() - SCAN_LAG_MS
    const parts = await lackingLarger(store, market, code, { from, to }, deps.timeframes, until)
    if (!parts.length) return
    log.info({ ...market, timeframe: code, parts: parts.length }, 'larger candles are missing and will be made')
    await bus.publish(
      'filled',
      parts.map((part) => ({ ...market, ...part, timeframe: code, candles: 1 })),
    )
  }
  /** Symbols that are collected for the first time since the start, among them those that come later. */
  async function welcome(): Promise<void> {
    const fresh = deps.symbols().filter((symbol) => !analysed.has(symbol))
    for (const symbol of fresh) analysed.add(symbol)
    if (!fresh.length) return
    try {
      const wanted = wantedAtStart(deps.timeframes, lookbackHours, now() - SETTLE_MS)
      await analyse(fresh, wanted, 'start')
      for (const symbol of fresh) for (const stretch of wanted) await complete(symbol, stretch)
    } catch (error) {
      for (const symbol of fresh) analysed.delete(symbol)
      throw error
    }
  }
  /** The exchange is left alone at the moment: every request would fail at once, and its job with it. */
  const isAway = () => rest.usage().breaker === 'open'
  async function scan(): Promise<void> {
    if (isAway()) return
    const from = openTime(minute, now() - lookbackHours * HOUR)
    const to = openTime(minute, now() - SCAN_LAG_MS)
    await analyse(deps.symbols(), [{ timeframe: minute.code, from, to }], 'scan')
  }
  async function repair(): Promise<void> {
    if (isAway()) return
    for (const { symbol, interval } of repairs.due(now())) {
      const request = { symbol, timeframe: minute.code, ...interval }
      const plan = unplanned(symbol, await planOf(request, true))
      if (plan.missing.length) await board.add(symbol, interval, plan, 'high')
    }
  }

  const hindered = (error: unknown) => log.warn({ exchange: exchange.id, err: error }, 'backfill was hindered')
  async function every(ms: number, act: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      for await (const _ of setInterval(ms, undefined, { signal })) await act().catch(hindered)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  async function watch(signal: AbortSignal): Promise<void> {
    for await (const batches of bus.subscribe('trades', 'backfill', signal)) {
      for (const batch of batches) if (batch.exchange === exchange.id) repairs.note(batch, now())
    }
  }
  async function begin(signal: AbortSignal): Promise<void> {
    await board.resume().catch(hindered)
    await welcome().catch(hindered)
    await Promise.all([
      every(scanEverySeconds * 1_000, scan, signal),
      every(REPAIR_EVERY_MS, welcome, signal),
      every(REPAIR_EVERY_MS, repair, signal),
    ])
  }

  return {
    plan: (request) => planOf(request, true),
    async estimate(requests, signal) {
      const plans = await Promise.all(requests.map((request) => planOf(request, true)))
      const first = plans.findIndex(({ missing }) => missing.length > 0)
      const [request, plan] = [requests[first], plans[first]]
      if (request && plan) await measure(request.symbol, plan, signal)
      return costOf(plans)
    },
    async request(request) {
      const plan = await planOf(request, true)
      const { range } = normalise(request)
      await complete(request.symbol, { ...range, timeframe: plan.timeframe })
      return { plan, job: await board.add(request.symbol, range, plan, request.priority ?? 'high') }
    },
    settled: board.settled,
    cancel: board.cancel,
    status() {
      const open = board.open()
      const running = open.filter(({ state }) => state === 'running').length
      const weight = exchange.rest.candles({ symbol: '', timeframe: minute.code, now: now() }).weight
      return {
        exchange: exchange.id,
        mode: fallbacks ? 'rest_fallback' : open.length ? 'gap_filling' : 'websocket_only',
        jobs: { running, queued: open.length - running, ...board.ended() },
        repairsPending: repairs.pending(),
        candlesWritten,
        requestsDone,
        estimatedSeconds: costOf(
          open.map((job) => {
            const requests = Math.max(0, job.requestsPlanned - job.requestsDone)
            return { requests, weight: requests * weight }
          }),
        ).seconds,
        lastScanAt,
      }
    },
    async run(outer) {
      const stop = new AbortController()
      const signal = AbortSignal.any([outer, stop.signal])
      const parts = [watch(signal), board.run(signal), begin(signal)]
      try {
        await Promise.all(parts.map((part) => part.finally(() => stop.abort())))
      } finally {
        await Promise.allSettled(parts)
      }
    },
  }
}
