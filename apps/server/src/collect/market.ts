import type { MarketId } from '../domain/market.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { backoff } from './backoff.ts'
import type { ExchangeClock } from './clock.ts'
import type { Connection } from './connection.ts'
import type { Lag } from './lag.ts'
import { createLine, type Line } from './line.ts'
import { catchUp } from './refill.ts'
import type { CollectSettings } from './settings.ts'
import { findStart, type Start } from './start.ts'

/** After an answer that no retry can help (an unknown symbol), the exchange is asked again this much later. */
const REFUSED_WAIT_MS = 5 * 60_000
/** Suspicious trades in a row about which REST is asked at once. */
const STRIKES = 3

export interface MarketDeps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly clock: ExchangeClock
  readonly lastTrade: (market: MarketId) => Promise<Trade | undefined>
  readonly settings: CollectSettings
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => number
  /** Something is ready to be published. */
  readonly changed: (market: MarketFeed) => void
  readonly feed: (market: MarketId, state: 'up' | 'down', reason: string) => void
  /** Resolves when the bus has room. */
  readonly room: (signal: AbortSignal) => Promise<void>
  /** Until when all that a connection sends is known to have come, our clock, ms. */
  readonly provenAt: (connection: Connection) => number
  /** How often trades are polled without a socket, ms. */
  readonly pollEveryMs: () => number
  readonly lag: Lag
  /** Whether REST's word for a trade is to be taken. */
  readonly confirm: (trade: Trade) => boolean
  /** Told where a market's line begins. */
  readonly began?: (market: MarketId, start: Start) => void
}

/** `live`: trades flow from the socket without a gap. `polling`: without a socket, by REST. */
type MarketState = 'starting' | 'joining' | 'live' | 'polling'

/** One market: its line of trades, the connections that carry it, and what it asks REST for. */
export interface MarketFeed extends MarketId {
  receive(trade: Trade, from: Connection): void
  /** A trade came that can't be right: REST is asked for what the market traded. */
  suspect(): void
  attach(connection: Connection): void
  detach(connection: Connection, reason: string): void
  /** Whether REST has to be asked now. */
  due(now: number): boolean
  /** Gives up what REST has not helped with for too long. */
  expire(now: number): void
  /** Asks REST: where to begin, what is missing, what has been traded without a socket. Never rejects. */
  tend(signal: AbortSignal): Promise<void>
  drain(): TradeBatch[]
  ready(): number
  /** The trade id to come; `undefined` before the start is found. */
  expected(): number | undefined
  /** Time of the last trade, exchange ms. */
  lastTime(): number
  state(): MarketState
  missing(): number
}

export function createMarketFeed(deps: MarketDeps, symbol: string): MarketFeed {
  const { exchange, settings, clock, log, metrics, now } = deps
  const market: MarketId = { exchange: exchange.id, symbol }
  const line: Line = createLine(market, settings.maxHeld)
  const counts = {
    trades: metrics.trades.labels({ exchange: exchange.id, origin: 'live' }),
    duplicates: metrics.duplicates.labels({ exchange: exchange.id }),
  }
  /** The first one is answered for; a later one is its successor or double. */
  let carriers: { connection: Connection; since: number }[] = []
  let joined = false
  let busy = false
  let failures = 0
  let retryAt = 0
  let gapSince: number | undefined
  let downSince = now()
  let polledAt: number | undefined
  let progressAt = 0
  let stored: Trade | undefined
  /** Suspicious trades since the last good one. */
  let strikes = 0
  let said = { state: '', reason: '' }

  function say(state: 'up' | 'down', reason: string): void {
    if (said.state === state && said.reason === reason) return
    said = { state, reason }
    deps.feed(market, state, reason)
  }
  function setJoined(): void {
    joined = true
    if (line.gap()) return
    gapSince = undefined
    say('up', 'live')
  }

  /** Exchange time before which everything has come, by the socket or by polling. */
  function claim(): number | undefined {
    if (line.next() === undefined || line.gap()) return undefined
    const first = carriers[0]
    const proven = first ? (joined ? deps.provenAt(first.connection) : undefined) : polledAt
    const at = proven === undefined ? undefined : clock.at(proven)
    return at === undefined ? undefined : at - settings.marginMs - deps.lag.worst()
  }

  /** REST does not help, for now: what the socket brings goes on, with a hole before it. */
  function failed(error: unknown): void {
    failures += 1
    const refused = isFailure(error) && !error.retry && line.next() === undefined
    retryAt = now() + (refused ? REFUSED_WAIT_MS : backoff(failures, settings.backoffBaseMs, settings.backoffMaxMs))
    log.warn({ ...market, err: error, failures }, 'REST could not help this market')
    if (refused) say('down', error.message)
    if (failures >= settings.refillAttempts) giveUp('failed')
  }

  function giveUp(outcome: string): void {
    const gap = line.gap()
    const hole = line.skip(stored?.time)
    if (!hole) return
    log.warn({ ...market, ...gap, hole }, 'missing trades are given up; their candles are to be repaired')
    metrics.holes.inc({ exchange: exchange.id, outcome })
    gapSince = line.gap() ? now() : undefined
    failures = 0
    deps.changed(feed)
  }

  function progressed(): void {
    progressAt = now()
    deps.changed(feed)
  }

  async function work(signal: AbortSignal): Promise<void> {
    if (line.next() === undefined) stored ??= await deps.lastTrade(market)
    await clock.measured(signal)
    if (line.next() === undefined) {
      const start = await findStart({ ...deps, maxRefill: settings.maxRefill }, market, stored, line.newestId(), signal)
      if (line.next() === undefined) {
        line.begin(start)
        deps.began?.(market, start)
      }
      deps.changed(feed)
    }
    const gap = line.gap()
    if (gap && gap.to - gap.from > settings.maxRefill) return giveUp('too large')
    const carrier = carriers[0]
    const result = await catchUp({ ...deps, market, line, toNewest: () => !joined, changed: progressed }, signal)
    if (result.outcome === 'absent') return giveUp('absent')
    if (gap) metrics.holes.inc({ exchange: exchange.id, outcome: 'refilled' })
    failures = 0
    // What was asked before the connection at hand carried the market says nothing of the time between.
    if (carrier !== carriers[0]) return
    if (carrier) return setJoined()
    polledAt = result.asked
    if (!line.gap()) gapSince = undefined
    say('up', 'polling')
    deps.changed(feed)
  }

  const feed: MarketFeed = {
    ...market,
    receive(trade, from) {
      const outcome = line.live(trade)
      counts[outcome === 'duplicate' ? 'duplicates' : 'trades'].inc()
      if (outcome === 'held') gapSince ??= now()
      if (outcome !== 'taken') return
      strikes = 0
      // The id to come, on a new connection: nothing was lost before it, and nothing will be after it.
      if (joined || from === carriers[0]?.connection) setJoined()
      const at = joined ? clock.at(trade.received) : undefined
      if (at !== undefined) deps.lag.seen(at - trade.time, at)
      deps.changed(feed)
    },
    suspect() {
      joined = false
      strikes += 1
      // A market whose every trade is wrong must not eat the budget of the others.
      if (strikes > STRIKES && retryAt <= now())
        retryAt = now() + backoff(strikes, settings.backoffBaseMs, settings.backoffMaxMs)
    },
    attach(connection) {
      if (carriers.some((carrier) => carrier.connection === connection)) return
      carriers.push({ connection, since: now() })
      if (carriers.length === 1) retryAt = 0
    },
    detach(connection, reason) {
      const first = carriers[0]
      carriers = carriers.filter((carrier) => carrier.connection !== connection)
      if (first?.connection !== connection) return
      const heir = carriers[0]
      if (heir && now() - heir.since >= settings.overlapMs / 2) return
      joined = false
      polledAt = undefined
      if (heir) heir.since = now()
      else downSince = now()
      say('down', reason)
    },
    due(at) {
      if (busy || at < retryAt) return false
      const first = carriers[0]
      if (!first) return at - downSince >= settings.pollAfterMs && at - (polledAt ?? 0) >= deps.pollEveryMs()
      if (line.next() === undefined) return true
      if (gapSince !== undefined) return at - gapSince >= settings.reorderMs
      return !joined && at - first.since >= settings.graceMs
    },
    expire(at) {
      if (gapSince !== undefined && at - Math.max(gapSince, progressAt) > settings.giveUpMs) giveUp('too slow')
    },
    async tend(signal) {
      busy = true
      try {
        await work(signal)
      } catch (error) {
        if (!signal.aborted) failed(error)
      } finally {
        busy = false
      }
    },
    drain() {
      const until = claim()
      return line.drain(until, crossedSecond(line.upTo(), until))
    },
    ready: line.ready,
    expected: line.next,
    lastTime: line.lastTime,
    state() {
      if (line.next() === undefined) return 'starting'
      if (!carriers.length) return polledAt === undefined ? 'joining' : 'polling'
      return joined ? 'live' : 'joining'
    },
    missing: () => (gapSince === undefined ? 0 : (line.gap()?.to ?? 0) - (line.gap()?.from ?? 0)),
  }
  return feed
}

/** A quiet market speaks when its claim passes a whole second: no candle can close in between. */
const crossedSecond = (upTo: number, claim: number | undefined): boolean =>
  claim !== undefined && Math.floor(claim / 1_000) > Math.floor(upTo / 1_000)
