import type { Simulator, TradeBody } from '@candlewire/simulator'
import { type Coverage, type Interval, knownIntervals } from '../../src/domain/coverage.ts'
import type { Trade } from '../../src/domain/trade.ts'
import type { Store } from '../../src/store/store.ts'
import { candleFaults, rowsOf, tradeFaults } from '../compare.ts'

const MINUTE = 60_000
export const LENGTHS = { '1s': 1_000, '5s': 5_000, '1m': MINUTE, '5m': 5 * MINUTE } as const
type Code = keyof typeof LENGTHS
export const codes = Object.keys(LENGTHS) as Code[]

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

const NOTES = 12
export function note(losses: Losses, text: string): void {
  if (losses.notes.length < NOTES) losses.notes.push(text)
}

interface Expected {
  /** The minute in which the server began, exchange ms. */
  readonly since: number
  /** When all was well: complete from here at the latest. */
  readonly healed: number
  /** What has to be complete, exchange ms. */
  readonly upTo: number
  /** The first trade id that counts, by symbol. */
  readonly firstIds: ReadonlyMap<string, number>
  /** The last one that the exchange had when the server was stopped: a later one may bear an earlier time. */
  readonly lastIds: ReadonlyMap<string, number>
  /** When the exchange stood still. */
  readonly outages: readonly Interval[]
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
  { since, healed, upTo, firstIds, lastIds, outages }: Expected,
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
  if (from > healed) blame(`complete from ${at(from)}, after ${at(healed)}`)
  if (to < upTo) blame(`complete up to ${at(to)}, not ${at(upTo)}`)
  // A stretch of a minute and more that nobody saw alive is unknown as a whole, be the outage in it shorter.
  for (const part of unknownParts(coverage, from, to))
    if (!outages.some((outage) => outage.from < part.to && part.from < outage.to))
      blame(`${part.state} from ${at(part.from)} to ${at(part.to)}`)

  const lastId = lastIds.get(symbol) ?? 0
  const inTime = ({ id, time }: TradeBody) => id <= lastId && known.some((part) => part.from <= time && time < part.to)
  const stored = await store.trades(market, { from: since, to: Number.MAX_SAFE_INTEGER })
  compareTrades(stored, happened, happened.filter(inTime), symbol, losses)

  const unseen = happened.filter(({ id, time }) => time < from || id > lastId)
  for (const code of codes) {
    const length = LENGTHS[code]
    const first = length < MINUTE ? Math.ceil(from / length) * length : Math.floor(since / length) * length
    const rows =
      code === '1m' || code === '5m' ? simulator.truth.candles(symbol, code, first, upTo) : rowsOf(happened, length)
    const candles = await store.candles({ ...market, timeframe: code }, { from: first })
    const times = new Set(candles.map(({ time }) => time))
    const unsure = (open: number): boolean =>
      // A trade that came late into history from before the start, or after the end, is nobody's to see.
      unseen.some(({ time }) => time >= open && time < open + length) ||
      (length < MINUTE && outages.some((outage) => outage.from < open + length && open < outage.to) && !times.has(open))
    const due = rows.filter(([open]) => open >= first && (open + length <= upTo || times.has(open)) && !unsure(open))
    const judged = candles.filter(({ time }) => !unsure(time))
    const faults = candleFaults(judged, due)
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

/** Outages shorter than this may be complete: ids prove that nothing is missing, and reconnects take as long. */
export const UNPROVEN_MS = 60_000

/** Coverage of a span against the outages of the exchange. */
export function blameCoverage(
  coverage: readonly Coverage[],
  { from, to }: Interval,
  outages: readonly Interval[],
  symbol: string,
  losses: Losses,
): void {
  const blame = (text: string) => {
    losses.coverage++
    note(losses, `${symbol}: ${text}`)
  }
  const touches = (a: Interval, b: Interval) => a.from < b.to && b.from < a.to
  for (const part of unknownParts(coverage, from, to))
    if (!outages.some((outage) => touches(outage, part)))
      blame(`${part.state} from ${at(part.from)} to ${at(part.to)}`)
  for (const outage of outages.filter((one) => one.to - one.from >= UNPROVEN_MS && touches(one, { from, to })))
    for (const part of knownIntervals(coverage))
      if (touches(part, { from: outage.from + 50, to: outage.to - 50 }))
        blame(`known from ${at(part.from)} to ${at(part.to)}, when the exchange stood still`)
}

/** Where coverage says unknown, or nothing at all. */
function unknownParts(coverage: readonly Coverage[], from: number, to: number): (Interval & { state: string })[] {
  const parts: (Interval & { state: string })[] = []
  let reached = from
  for (const part of coverage) {
    if (part.to <= from || part.from >= to) continue
    if (part.from > reached) parts.push({ from: reached, to: part.from, state: 'never mentioned' })
    if (part.state === 'unknown') parts.push(part)
    reached = Math.max(reached, part.to)
  }
  if (reached < to) parts.push({ from: reached, to, state: 'never mentioned' })
  return parts
}

const at = (time: number): string => (Number.isFinite(time) ? new Date(time).toISOString().slice(11, 23) : String(time))
