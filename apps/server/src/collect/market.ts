import type { MarketId } from '../domain/market.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { backoff } from './backoff.ts'
import { createCarriers } from './carriers.ts'
import type { ExchangeClock } from './clock.ts'
import type { Connection } from './connection.ts'
import { createDebts } from './debts.ts'
import type { Lag } from './lag.ts'
import { createLine, type Line } from './line.ts'
import { catchUp } from './refill.ts'
import type { CollectSettings } from './settings.ts'
import { type Before, findStart, type Start } from './start.ts'
import { createTrust } from './trust.ts'

/** After an answer that no retry can help (an unknown symbol), the exchange is asked again this much later. */
const REFUSED_WAIT_MS = 5 * 60_000
/** Suspicious trades in a row about which REST is asked at once. */
const STRIKES = 3

export interface MarketDeps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly clock: ExchangeClock
  /** What an earlier run left. */
  readonly before: (market: MarketId) => Promise<Before>
  readonly settings: CollectSettings
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => number
  /** Something is ready to be published. */
  readonly changed: (market: MarketFeed) => void
  readonly feed: (market: MarketId, state: 'up' | 'down', reason: string) => void
  /** Resolves when the bus has room. */
  readonly room: (signal: AbortSignal) => Promise<void>
  /** This connection no longer brings the market's trades: it is to be replaced. */
  readonly deaf: (connection: Connection) => void
  /** How often trades are polled without a socket, ms. */
  readonly pollEveryMs: () => number
  readonly lag: Lag
  /** Whether REST's word for a trade is to be taken. */
  readonly confirm: (trade: Trade) => boolean
  /** Told where a market's line begins. */
  readonly began?: (market: MarketId, start: Start) => void
}

/**
 * `live`: trades flow from the socket without a gap. `polling`: without a socket, by REST. `deaf`: there is a socket, and it
 * does not bring this market's trades; by REST meanwhile. `halted`: as the exchange says; it is listened to all the same.
 */
export type MarketState = 'starting' | 'joining' | 'live' | 'polling' | 'deaf' | 'halted'

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
  /** The last word before the collector stops: what was claimed of it without proof is taken back. */
  leave(): TradeBatch[]
  /** Whether more is claimed of it than is proven, so that asking the exchange would help. */
  presumed(): boolean
  /** Whether trades may be missing that nobody fetches yet. */
  behind(): boolean
  ready(): number
  /** The exchange names the newest trade id, asked by us or on its own; `at`: our clock, `stamp`: the exchange's, ms. */
  told(id: number, at: number, asked: boolean, stamp?: number): void
  /** When the exchange is to be asked for it, our clock, ms; `Infinity` while there is no reason to. */
  askAt(): number
  /** As far as we know: its first id is still to come. */
  hasNeverTraded(): boolean
  /** It could not be asked. */
  unanswered(): void
  /** What the exchange's list says of the market. */
  halt(halted: boolean): void
  state(): MarketState
  missing(): number
}

/** `since`: from when on the market is wanted, our clock, ms. */
export function createMarketFeed(deps: MarketDeps, symbol: string, since: number): MarketFeed {
  const { exchange, settings, clock, log, metrics, now } = deps
  const market: MarketId = { exchange: exchange.id, symbol }
  const line: Line = createLine(market, settings.maxHeld, (hole) => debts.doubt(hole))
  const counts = {
    trades: metrics.trades.labels({ exchange: exchange.id, origin: 'live' }),
    duplicates: metrics.duplicates.labels({ exchange: exchange.id }),
  }
  const debts = createDebts({ ...deps, market, line, changed: progressed })
  const trust = createTrust(settings)
  const carriers = createCarriers({ settledMs: settings.overlapMs / 2, behindMs: settings.silenceUnknownMs })
  let halted = false
  let joined = false
  let busy = false
  let failures = 0
  let retryAt = 0
  let gapSince: number | undefined
  let downSince = now()
  let polledAt: number | undefined
  let progressAt = 0
  let askedAt = 0
  let failingSince: number | undefined
  let before: Before | undefined
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
    sayFlow()
  }
  function sayFlow(): void {
    say('up', halted ? 'halted' : trust.deaf() || !carriers.first() ? 'polling' : 'live')
  }

  /** Until when everything that the socket was sent has come and means something, our clock, ms. */
  function heardUntil(): number | undefined {
    return joined ? Math.min(carriers.lastFrameAt(now()), trust.until(line.next())) : undefined
  }

  /** Exchange time before which everything has come, by the socket or by polling. */
  function claim(): number | undefined {
    if (line.next() === undefined || line.gap()) return undefined
    const proven = carriers.first() ? heardUntil() : polledAt
    return proven === undefined ? undefined : safely(proven)
  }

  /** The exchange time of whose trades none can still be on its way at a moment of our clock, ms. */
  function safely(ours: number): number | undefined {
    const at = clock.at(ours)
    return at === undefined ? undefined : at - settings.marginMs - deps.lag.worst()
  }

  /** REST does not help, for now: what the socket brings goes on, with a hole before it. */
  function failed(error: unknown): void {
    failures += 1
    const refused = isFailure(error) && !error.retry && line.next() === undefined
    retryAt = now() + (refused ? REFUSED_WAIT_MS : backoff(failures, settings.backoffBaseMs, settings.backoffMaxMs))
    log.warn({ ...market, err: error, failures }, 'REST could not help this market')
    if (refused) say('down', error.message)
    // An exchange that can't be reached may be again: that is worth a longer wait.
    failingSince ??= now()
    const patient = isFailure(error) && error.retry && now() - failingSince < settings.giveUpMs
    if (!patient && failures >= settings.refillAttempts) giveUp('failed')
  }

  /** What REST may still bring is owed. */
  function giveUp(outcome: 'failed' | 'too slow' | 'too large' | 'absent'): void {
    const gap = line.gap()
    const hole = line.skip(before?.last?.time ?? before?.known?.to)
    if (!hole) return
    log.warn({ ...market, ...gap, hole }, 'missing trades are given up for now; their candles are to be repaired')
    metrics.holes.inc({ exchange: exchange.id, outcome })
    if (gap && (outcome === 'failed' || outcome === 'too slow')) debts.owe(gap, hole)
    gapSince = line.gap() ? now() : undefined
    failures = 0
    failingSince = undefined
    deps.changed(feed)
  }

  function progressed(): void {
    progressAt = now()
    deps.changed(feed)
  }

  async function work(signal: AbortSignal): Promise<void> {
    before ??= await deps.before(market)
    await clock.measured(signal)
    if (line.next() === undefined) {
      const start = await findStart(
        { ...deps, maxRefill: settings.maxRefill, since },
        market,
        before,
        line.newestId(),
        signal,
      )
      if (line.next() === undefined) {
        line.begin(start)
        deps.began?.(market, start)
      }
      deps.changed(feed)
    }
    const gap = line.gap()
    if (gap && gap.to - gap.from > settings.maxRefill) return giveUp('too large')
    const carrier = carriers.first()
    const silent = overdue(now()) || trust.deaf()
    const toNewest = () => !joined || silent
    const result = await catchUp({ ...deps, market, line, toNewest, changed: progressed }, signal)
    if (result.outcome === 'absent') return giveUp('absent')
    if (gap) metrics.holes.inc({ exchange: exchange.id, outcome: 'refilled' })
    failures = 0
    failingSince = undefined
    if (!line.gap()) await debts.pay(signal)
    // What was asked before the connection at hand carried the market says nothing of the time between.
    if (carrier !== carriers.first()) return
    polledAt = result.asked
    if (carrier) {
      if (silent && result.taken) deafen(carrier)
      trust.joined(result.asked)
      setJoined()
    } else {
      if (!line.gap()) gapSince = undefined
      sayFlow()
    }
    deps.changed(feed)
  }

  function deafen(connection: Connection): void {
    if (!trust.deaf()) {
      metrics.silences.inc({ exchange: exchange.id, outcome: 'deaf' })
      log.warn(
        { ...market, silenceMs: trust.silence() },
        'the stream no longer brings this market; REST does meanwhile',
      )
    }
    if (trust.deafen(now())) deps.deaf(connection)
  }

  const overdue = (at: number): boolean => {
    const next = line.next()
    return next !== undefined && trust.overdue(next, at, settings.graceMs + deps.lag.worst())
  }

  const feed: MarketFeed = {
    ...market,
    receive(trade, from) {
      const outcome = line.live(trade)
      counts[outcome === 'duplicate' ? 'duplicates' : 'trades'].inc()
      const behind = carriers.brought(from, outcome !== 'duplicate', trade.received)
      if (behind) deps.deaf(behind)
      if (outcome === 'held') {
        if (gapSince === undefined) {
          gapSince = now()
          // That REST was away before, as in an outage, is no reason to give these trades up.
          failures = 0
          failingSince = undefined
        }
        // The pause before it is none of the market's own: trades are missing in it.
        trust.standstill()
      }
      if (outcome !== 'duplicate') trust.heard(trade.received)
      if (outcome !== 'taken') return
      // The list is read now and then; a trade says at once that it is out of date.
      halted = false
      strikes = 0
      // The id to come, on a new connection: nothing was lost before it, and nothing will be after it.
      if (joined || from === carriers.first()) setJoined()
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
      if (carriers.add(connection, now()) && carriers.first() === connection) retryAt = 0
    },
    detach(connection, reason) {
      const left = carriers.remove(connection, now())
      if (left === 'spare') return
      joined = false
      polledAt = undefined
      trust.standstill()
      if (left === 'none') downSince = now()
      say('down', reason)
    },
    due(at) {
      if (busy || at < retryAt) return false
      const pollDue = at - (polledAt ?? 0) >= deps.pollEveryMs()
      if (!carriers.first()) return at - downSince >= settings.pollAfterMs && pollDue
      if (line.next() === undefined) return true
      if (gapSince !== undefined) return at - gapSince >= settings.reorderMs
      if (!joined) return at - carriers.since() >= settings.graceMs
      if (debts.any()) return true
      return trust.deaf() ? pollDue : overdue(at)
    },
    expire(at) {
      // A market that waits for its turn, among hundreds after a start, has not been refused anything yet.
      if (gapSince === undefined || askedAt < gapSince) return
      if (at - Math.max(askedAt, progressAt) > settings.giveUpMs) giveUp('too slow')
    },
    async tend(signal) {
      busy = true
      askedAt = now()
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
      const batches = line.drain(until, crossedSecond(line.upTo(), until))
      return halted ? batches.map((batch): TradeBatch => ({ ...batch, halted: true })) : batches
    },
    leave: () => line.retract(line.gap() ? 0 : (safely(Math.max(trust.assured(), polledAt ?? 0)) ?? 0)),
    presumed: () => joined && !line.gap() && Number.isFinite(trust.askAt()),
    behind: () => !busy && line.next() !== undefined && (!joined || trust.behind()),
    ready: line.ready,
    told(id, received, asked, stamp = Number.POSITIVE_INFINITY) {
      const next = line.next()
      // A figure that was long on its way says nothing of the meantime.
      const at = Math.min(received, stamp - (clock.offset() ?? 0))
      if (joined && next !== undefined && !line.gap()) trust.told(id, next, at, asked)
      else if (asked) trust.unanswered(at)
    },
    askAt: () => (joined && !line.gap() ? trust.askAt() : Number.POSITIVE_INFINITY),
    hasNeverTraded: () => line.next() === 0,
    unanswered: () => trust.unanswered(now()),
    halt(standing) {
      if (halted === standing) return
      halted = standing
      trust.standstill()
      if (said.state === 'up') sayFlow()
    },
    state() {
      if (line.next() === undefined) return 'starting'
      if (!carriers.first()) return polledAt === undefined ? 'joining' : 'polling'
      if (!joined) return 'joining'
      return trust.deaf() ? 'deaf' : halted ? 'halted' : 'live'
    },
    missing: () => (gapSince === undefined ? 0 : (line.gap()?.to ?? 0) - (line.gap()?.from ?? 0)),
  }
  return feed
}

/** A quiet market speaks when its claim passes a whole second: no candle can close in between. */
const crossedSecond = (upTo: number, claim: number | undefined): boolean =>
  claim !== undefined && Math.floor(claim / 1_000) > Math.floor(upTo / 1_000)
