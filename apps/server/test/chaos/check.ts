import type { Simulator, TradeBody } from '@candlewire/simulator'
import { type Interval, knownIntervals } from '../../src/domain/coverage.ts'
import type { Trade } from '../../src/domain/trade.ts'
import type { Store } from '../../src/store/store.ts'
import { candleFaults, rowsOf, tradeFaults } from '../compare.ts'
import { servedFaults } from './served.ts'
import { AFTER_MS, at, coverageFaults, haltsOf, unknownParts } from './stillness.ts'

const MINUTE = 60_000
export const LENGTHS = { '1s': 1_000, '5s': 5_000, '1m': MINUTE, '5m': 5 * MINUTE } as const
export type Code = keyof typeof LENGTHS
export const codes = Object.keys(LENGTHS) as Code[]
/** Those of a comma-separated list that are compared. */
export const codesOf = (list: string): Code[] => codes.filter((code) => list.split(',').includes(code))

/** What is wrong with a store. All zero is what a run has to show. */
export interface Losses {
  /** Trades of the market that are not stored. */
  lost: number
  /** Trades stored more than once. */
  doubled: number
  /** Trades stored that never were, or with other figures. */
  invented: number
  /** Candles that are missing, wrong or too many. */
  candles: number
  /** Stretches called unknown although the exchange had them, or complete before they could be. */
  coverage: number
  /** A few of them in words. */
  notes: string[]
}

export const noLosses = (): Losses => ({ lost: 0, doubled: 0, invented: 0, candles: 0, coverage: 0, notes: [] })
export const isClean = ({ lost, doubled, invented, candles, coverage }: Losses): boolean =>
  lost + doubled + invented + candles + coverage === 0

const NOTES = 24
export function note(losses: Losses, text: string): void {
  if (losses.notes.length < NOTES) losses.notes.push(text)
}

interface Expected {
  /** The minute in which the server began, exchange ms. */
  readonly since: number
  /** When the exchange could first be asked: complete from the beginning of this minute at the latest. */
  readonly reachable: number
  /** What has to be complete, exchange ms. */
  readonly upTo: number
  /** The first trade id that counts, by symbol. */
  readonly firstIds: ReadonlyMap<string, number>
  /** The last one that the exchange had when the server was stopped: a later one may bear an earlier time. */
  readonly lastIds: ReadonlyMap<string, number>
  /** When the server could not ask or hear, or was not running. */
  readonly hindered: readonly Interval[]
}

/** Holds what a store has of every market against what the market did. */
export async function compareAll(store: Store, simulator: Simulator, expected: Expected): Promise<Losses> {
  const losses = noLosses()
  for (const symbol of simulator.symbols) await compareMarket(store, simulator, symbol, expected, losses)
  return losses
}

async function compareMarket(
  store: Store,
  simulator: Simulator,
  symbol: string,
  { since, reachable, upTo, firstIds, lastIds, hindered }: Expected,
  losses: Losses,
): Promise<void> {
  const market = { exchange: 'binance', symbol }
  const happened = simulator.truth.trades(symbol, firstIds.get(symbol))
  const coverage = await store.coverage(market, 'trades', { from: since - MINUTE, to: upTo + 10 * MINUTE })
  const known = knownIntervals(coverage)
  const from = known[0]?.from ?? Number.POSITIVE_INFINITY
  const to = known.at(-1)?.to ?? 0
  const blame = (text: string) => {
    losses.coverage++
    note(losses, `${symbol}: ${text}`)
  }
  const begun = Math.floor(reachable / MINUTE) * MINUTE
  // Where nothing traded, the first sign of life is the beginning.
  const silent = from <= reachable + AFTER_MS && !happened.some(({ time }) => time >= begun && time < from)
  if (from > begun && !silent) blame(`complete from ${at(from)}, not ${at(begun)}`)
  if (to < upTo) blame(`complete up to ${at(to)}, not ${at(upTo)}`)
  const halts = haltsOf(simulator, symbol)
  const span = { from, to: Math.min(to, upTo) }
  if (span.from < span.to) coverageFaults(coverage, span, { halts, hindered, trades: happened }).forEach(blame)

  const lastId = lastIds.get(symbol) ?? 0
  const stored = await store.trades(market, { from: since, to: Number.MAX_SAFE_INTEGER })
  // In all that is between, be it called known or not; what came in the last moments was never sent.
  const promised = happened.filter(({ id, time }) => id <= lastId && time >= from && time < to)
  compareTrades(stored, happened, promised, symbol, losses)

  const unknown = unknownParts(coverage, from, upTo)
  const unseen = happened.filter(({ id, time }) => time < from || id > lastId)
  for (const code of codes) {
    const length = LENGTHS[code]
    const first = length < MINUTE ? Math.ceil(from / length) * length : Math.floor(since / length) * length
    const rows =
      code === '1m' || code === '5m' ? simulator.truth.candles(symbol, code, first, upTo) : rowsOf(happened, length)
    const candles = await store.candles({ ...market, timeframe: code }, { from: first })
    const times = new Set(candles.map(({ time }) => time))
    const unsure = (open: number): boolean =>
      // What a stop left in doubt is shown as unknown, and made anew by the next start.
      open + length > to ||
      // A trade that came late into history from before the start, or after the end, is nobody's to see.
      unseen.some(({ time }) => time >= open && time < open + length) ||
      // A part of a candle may be unknown. Minutes are asked for at once; larger ones by the next audit, within the hour.
      (length !== MINUTE && unknown.some((part) => part.from < open + length && open < part.to) && !times.has(open))
    const due = rows.filter(([open]) => open >= first && (open + length <= upTo || times.has(open)) && !unsure(open))
    const judged = candles.filter(({ time }) => !unsure(time))
    const faults = [
      ...candleFaults(judged, due),
      ...(await servedFaults(store, { ...market, timeframe: code }, { from: first, to: upTo }, { halts, unknown })),
    ]
    losses.candles += faults.length
    for (const fault of faults) note(losses, `${symbol} ${code}: ${fault}`)
  }
}

export function compareTrades(
  stored: readonly Trade[],
  happened: readonly TradeBody[],
  promised: readonly TradeBody[],
  symbol: string,
  losses: Losses,
): void {
  const ours = new Map<number | string, Trade>()
  for (const trade of stored) {
    if (ours.has(trade.id)) losses.doubled++
    ours.set(trade.id, trade)
  }
  const truth = new Map(happened.map((trade) => [trade.id, trade]))
  for (const trade of ours.values()) {
    const real = truth.get(Number(trade.id))
    const faults = real ? tradeFaults([trade], [real]) : [`trade ${trade.id} never was`]
    if (faults.length === 0) continue
    losses.invented++
    note(losses, `${symbol}: ${faults[0]}`)
  }
  for (const { id, time } of promised) {
    if (ours.has(id)) continue
    losses.lost++
    note(losses, `${symbol}: trade ${id} of ${at(time)} is lost`)
  }
}
