import type { Market } from '../domain/market.ts'
import type { Trade } from '../domain/trade.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { type DriftKind, type DriftOf, driftLedger } from './drift.ts'

const DAY_MS = 86_400_000
/** How far a trade may lie ahead of the exchange's own clock, once that is measured: it would close candles too soon. */
const AHEAD_MS = 60_000
const JUMP = 10
const JUMP_MS = 1_000
/** Beside drift in the trades, one frame in so many is compared with what is documented. */
const LOOK_EVERY = 1_024
const TOLD = 200

interface Deps {
  readonly exchange: Exchange
  readonly log: Logger
  readonly metrics: Metrics
  /** Exchange time at a moment of ours, ms; `undefined` while not measured. */
  readonly exchangeTime: (ours: number) => number | undefined
}

interface Seen {
  price: number
  time: number
  /** Powers of ten that make a price and a quantity whole; NaN while unknown. */
  priceScale: number
  quantityScale: number
}

/**
 * Watches for data that is well formed and yet can't be right. `inspect` costs a few comparisons for a trade; frames
 * are compared with the documentation only when the adapter found them unusual, and now and then.
 */
export function createSentinel({ exchange, log, metrics, exchangeTime }: Deps) {
  const seen = new Map<string, Seen>()
  const ledger = driftLedger()
  const told = new Set<string>()
  const slowTrades = exchange.stream.slowTrades ?? (() => 0)
  let slow = slowTrades()
  let frames = 0

  function note(symbol: string, kind: DriftKind, at: number): void {
    metrics.drift.inc({ exchange: exchange.id, symbol, kind })
    ledger.add(symbol, kind, at)
  }

  /** Harmless: counted, and told once. */
  function tell(symbol: string, kind: DriftKind, what: string): void {
    metrics.drift.inc({ exchange: exchange.id, symbol, kind })
    if (told.has(what) || told.size >= TOLD) return
    told.add(what)
    log.warn({ exchange: exchange.id, symbol, kind, what }, 'the exchange sends something new; it is read as before')
  }

  function isFarOff({ time, received }: Trade): boolean {
    const now = exchangeTime(received)
    if (now === undefined) return Math.abs(time - received) > DAY_MS
    return now - time > DAY_MS || time - now > AHEAD_MS
  }

  function first(trade: Trade): Seen {
    const made = { price: trade.price, time: trade.time, priceScale: Number.NaN, quantityScale: Number.NaN }
    seen.set(trade.symbol, made)
    return made
  }

  function keep(last: Seen, trade: Trade): void {
    last.price = trade.price
    last.time = trade.time
  }

  return {
    /** What is wrong with a live trade; `undefined` for nothing. What is wrong is counted. */
    inspect(trade: Trade): DriftKind | undefined {
      const last = seen.get(trade.symbol) ?? first(trade)
      const kind = isFarOff(trade)
        ? 'time'
        : jumps(last, trade)
          ? 'price jump'
          : isFiner(trade.price, last.priceScale) || isFiner(trade.quantity, last.quantityScale)
            ? 'precision'
            : undefined
      if (kind) note(trade.symbol, kind, trade.received)
      else keep(last, trade)
      return kind
    },

    /**
     * Whether REST's word for a trade is to be taken. Prices that jump and finer steps are real when the exchange says
     * them twice, and count as usual from then on; a time far off never is.
     */
    confirm(trade: Trade): boolean {
      if (isFarOff(trade)) {
        note(trade.symbol, 'time', trade.received)
        return false
      }
      const last = seen.get(trade.symbol)
      if (!last) return true
      keep(last, trade)
      if (isFiner(trade.price, last.priceScale)) last.priceScale = scaleOf(trade.price)
      if (isFiner(trade.quantity, last.quantityScale)) last.quantityScale = scaleOf(trade.quantity)
      return true
    },

    /** A frame of this market could not be read. */
    malformed: (symbol: string, at: number): void => note(symbol, 'malformed', at),

    /** Looks for what is not documented in frames that the adapter found unusual, and in a few others. */
    look(frame: Buffer): void {
      frames += 1
      const unusual = slowTrades()
      if (unusual === slow && frames % LOOK_EVERY !== 1) return
      slow = unusual
      for (const { symbol, kind, what } of exchange.stream.unfamiliar?.(frame) ?? []) tell(symbol, kind, what)
    },

    /** What the exchange says of its markets: how fine prices and quantities are, and in which state. */
    know(markets: readonly Market[]): void {
      for (const { symbol, priceDecimals, quantityDecimals, unknownStatus } of markets) {
        const last = seen.get(symbol) ?? { price: Number.NaN, time: 0, priceScale: 0, quantityScale: 0 }
        last.priceScale = 10 ** priceDecimals
        last.quantityScale = 10 ** quantityDecimals
        seen.set(symbol, last)
        if (unknownStatus !== undefined) tell(symbol, 'unknown value', `status ${unknownStatus}`)
      }
    },

    forget: (symbol: string): void => {
      seen.delete(symbol)
      ledger.forget(symbol)
    },
    /** Markets with something set aside lately. `now`: our clock, ms. */
    drifting: (now: number): DriftOf[] => ledger.since(now),
  }
}

export type Sentinel = ReturnType<typeof createSentinel>

function jumps({ price, time }: Seen, trade: Trade): boolean {
  const ratio = trade.price / price
  return (ratio > JUMP || ratio * JUMP < 1) && Math.abs(trade.time - time) < JUMP_MS
}

/** Whether a value has more places than its scale. What a double adds to the product is far smaller than a place. */
function isFiner(value: number, scale: number): boolean {
  const scaled = value * scale
  return Math.abs(scaled - Math.round(scaled)) > 1e-6 + scaled * 1e-15
}

function scaleOf(value: number): number {
  let scale = 1
  while (scale < 1e15 && isFiner(value, scale)) scale *= 10
  return scale
}
