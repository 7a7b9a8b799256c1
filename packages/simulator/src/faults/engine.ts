import { type Exchange, isHalted } from '../exchange.ts'
import type { Frame } from '../ws/hub.ts'
import type { Sockets } from '../ws/sockets.ts'
import type { Fault, FaultStep } from './faults.ts'
import { createSpoiler } from './spoil.ts'

type Of<K extends Fault['kind']> = Omit<Extract<Fault, { kind: K }>, 'kind'>

/** One function a fault; each takes the fields of its row in the `Fault` schema. */
export type FaultCalls = {
  [K in Fault['kind']]: Partial<Of<K>> extends Of<K> ? (fault?: Of<K>) => void : (fault: Of<K>) => void
}

const shutdownNoticeMs = 1_000
/** A delisted market never trades again; longer than anything runs. */
const foreverMs = 5 * 365 * 86_400_000
/** Trades a second of a market that is listed later. */
const listedRate = 1

/** Plays faults: by call, and by a script as the simulated clock goes on. All times are ms of that clock. */
export const createFaults = (exchange: Exchange, script: readonly FaultStep[], sockets: () => Sockets) => {
  const spoiler = createSpoiler()
  const started = exchange.clock.now()
  const steps = script.map((step) => ({ step, next: started + ('at' in step ? step.at : step.every) }))
  const silent = new Map<string, { until: number; half: boolean }>()
  let slow = { until: 0, delayMs: 0 }
  let outageUntil = 0
  let restDownUntil = 0
  let refuseUntil = 0
  let closeAt: number | undefined

  const now = (): number => exchange.clock.now()
  const named = (symbols?: readonly string[]): string[] =>
    (symbols ?? [...exchange.listings.keys()]).filter((symbol) => exchange.listings.has(symbol))

  /** Halts of a market follow each other: one that would overlap is left out. */
  const halt = (symbol: string, ms: number): void => {
    const listing = exchange.listings.get(symbol)
    if (listing && !isHalted(listing, now() + 1)) listing.market.halt({ from: now() + 1, to: now() + 1 + ms })
  }

  const calls: FaultCalls = {
    cut: ({ symbols, half } = {}) =>
      void sockets().cut(symbols && new Set(symbols.map((symbol) => symbol.toLowerCase())), half),
    silence: ({ symbols, ms, half = false }) => {
      for (const symbol of symbols ? named(symbols) : ['', ...named()]) silent.set(symbol, { until: now() + ms, half })
    },
    duplicate: ({ symbols, ...rest }) => spoiler.order(named(symbols), { kind: 'duplicate', ...rest }),
    reorder: ({ symbols, ...rest }) => spoiler.order(named(symbols), { kind: 'reorder', ...rest }),
    missing: ({ symbols, ...rest }) => spoiler.order(named(symbols), { kind: 'missing', ...rest }),
    malformed: ({ symbols, ...rest }) => spoiler.order(named(symbols), { kind: 'malformed', ...rest }),
    late: ({ symbols, ms }) => {
      for (const symbol of named(symbols)) exchange.listings.get(symbol)?.market.delay(now(), ms)
    },
    slow: ({ ms, delayMs }) => {
      slow = { until: now() + ms, delayMs }
    },
    outage: ({ ms }) => {
      const from = Math.max(now() + 1, outageUntil)
      // One that ends within another changes nothing.
      if (now() + ms <= from) return
      outageUntil = now() + ms
      for (const { market } of exchange.listings.values()) market.halt({ from, to: outageUntil })
      sockets().cut()
    },
    restDown: ({ ms }) => {
      restDownUntil = now() + ms
    },
    refuseConnect: ({ ms }) => {
      refuseUntil = now() + ms
    },
    halt: ({ symbols, ms }) => {
      for (const symbol of named(symbols)) halt(symbol, ms)
    },
    delist: ({ symbols }) => {
      for (const symbol of named(symbols)) {
        const listing = exchange.listings.get(symbol)
        if (!listing) continue
        halt(symbol, foreverMs)
        exchange.listings.delete(symbol)
        exchange.delisted.set(symbol, listing)
      }
    },
    list: ({ symbols, tradesPerSecond = listedRate }) => {
      for (const symbol of symbols) {
        if (exchange.listings.has(symbol) || exchange.delisted.has(symbol)) continue
        exchange.listings.set(symbol, exchange.create(symbol, tradesPerSecond, now()))
      }
    },
    shutdown: ({ ms = shutdownNoticeMs } = {}) => {
      sockets().announceShutdown()
      closeAt = now() + ms
    },
  }

  const apply = (fault: Fault) => {
    switch (fault.kind) {
      case 'cut':
        return calls.cut(fault)
      case 'silence':
        return calls.silence(fault)
      case 'duplicate':
        return calls.duplicate(fault)
      case 'reorder':
        return calls.reorder(fault)
      case 'missing':
        return calls.missing(fault)
      case 'malformed':
        return calls.malformed(fault)
      case 'late':
        return calls.late(fault)
      case 'slow':
        return calls.slow(fault)
      case 'outage':
        return calls.outage(fault)
      case 'restDown':
        return calls.restDown(fault)
      case 'refuseConnect':
        return calls.refuseConnect(fault)
      case 'halt':
        return calls.halt(fault)
      case 'delist':
        return calls.delist(fault)
      case 'list':
        return calls.list(fault)
      case 'shutdown':
        return calls.shutdown(fault)
    }
  }

  return {
    calls,
    apply,
    /** Plays the steps that have come due. */
    tick(): void {
      const time = now()
      for (const entry of steps) {
        if (time < entry.next) continue
        apply(entry.step)
        entry.next = 'every' in entry.step ? entry.next + entry.step.every : Number.POSITIVE_INFINITY
      }
      if (closeAt === undefined || time < closeAt) return
      closeAt = undefined
      sockets().closeAll()
    },
    alter(frame: Frame): readonly Frame[] {
      const { symbol } = frame.channel
      if (symbol !== undefined && !exchange.listings.has(symbol)) return []
      const silence = silent.get(frame.channel.symbol ?? '')
      if (!silence || now() >= silence.until) return spoiler.alter(frame)
      return silence.half ? [{ ...frame, sparesEven: true }] : []
    },
    delayMs: (): number => (now() < slow.until ? slow.delayMs : 0),
    restDown: (): boolean => now() < Math.max(restDownUntil, outageUntil),
    refusing: (): boolean => now() < Math.max(refuseUntil, outageUntil),
    state: () => ({ pending: spoiler.pending(), outageUntil, restDownUntil, refuseUntil, slow }),
  }
}

export type Faults = ReturnType<typeof createFaults>
