import type { Simulator, TradeBody } from '@candlewire/simulator'
import { type Coverage, type Interval, knownIntervals } from '../../src/domain/coverage.ts'
import { union } from '../../src/domain/intervals.ts'

/** A stretch this long in which nothing traded and nobody saw the feed alive is unknown, be no id missing: see `line.ts`. */
export const UNPROVEN_MS = 60_000
/** How far before the exchange stood still its last word may lie: the age of its figures, the margin and a tick of ours. */
const BEFORE_MS = 5_000
/** How long after the last hindrance the next proof may take: the longest wait for a socket, then the pause of REST. */
export const AFTER_MS = 70_000

export interface Unknown extends Interval {
  readonly state: string
}

/** What has to be explained about one market, and by what. Times in exchange ms, intervals in any order. */
export interface Stillness {
  /** When the exchange itself stood still. */
  readonly halts: readonly Interval[]
  /** When the server could not ask or hear, be it by the exchange or because it was not running. */
  readonly hindered: readonly Interval[]
  /** What really traded. */
  readonly trades: readonly TradeBody[]
}

/**
 * What is wrong with coverage between `from` and `to`, in words. The rule: coverage says `unknown` exactly where the
 * exchange had nothing to give, and it had nothing while it stood still. In detail:
 *
 * 1. Every moment is mentioned.
 * 2. An unknown stretch has a standstill in it, and goes beyond it only to the last proof before and the first after: by no
 *    more than `BEFORE_MS` and `AFTER_MS`, unless something kept the server from proving anything (it was not running,
 *    refused, without REST, or all was silent), then by as much more.
 * 3. It is at least a minute long: what is shorter is proven by the ids around it.
 * 4. A standstill of a minute or more is unknown as a whole.
 * 5. Nothing traded in a stretch that is called unknown or quiet. (A trade whose time lies before that of an earlier id
 *    came late; at its time nobody could have seen it.)
 */
export function coverageFaults(
  coverage: readonly Coverage[],
  { from, to }: Interval,
  { halts, hindered, trades }: Stillness,
): string[] {
  const faults: string[] = []
  const unknown = unknownParts(coverage, from, to)
  for (const part of unknown) {
    const text = `${part.state} from ${at(part.from)} to ${at(part.to)}`
    const near = halts.filter((halt) => touches(halt, part))
    if (near.length === 0) {
      faults.push(`${text}, when the exchange was up`)
      continue
    }
    const whole = explained(near, hindered)
    if (part.from < whole.from || part.to > whole.to)
      faults.push(`${text}, wider than ${at(whole.from)} to ${at(whole.to)}`)
    if (part.to - part.from < UNPROVEN_MS && part.from > from && part.to < to)
      faults.push(`${text}, though less than a minute`)
  }
  for (const halt of union(halts).filter((one) => one.to - one.from >= UNPROVEN_MS && touches(one, { from, to })))
    for (const part of knownIntervals(coverage))
      if (touches(part, halt))
        faults.push(`known from ${at(part.from)} to ${at(part.to)}, when the exchange stood still`)
  const silent = [...unknown, ...coverage.filter(({ state }) => state === 'quiet')]
  for (const trade of timely(trades))
    for (const part of silent)
      if (part.from < trade.time && trade.time < part.to - 1)
        faults.push(`trade ${trade.id} of ${at(trade.time)} lies in ${part.state} ${at(part.from)} to ${at(part.to)}`)
  return faults
}

/** Where coverage says unknown, or nothing at all. */
export function unknownParts(coverage: readonly Coverage[], from: number, to: number): Unknown[] {
  const parts: Unknown[] = []
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

/** Standstills with all that kept the server from proving anything next to them, as wide as may be. */
function explained(halts: readonly Interval[], hindered: readonly Interval[]): Interval {
  const widen = ({ from, to }: Interval): Interval => ({ from: from - BEFORE_MS, to: to + AFTER_MS })
  const [first] = union([...halts, ...hindered].map(widen)).filter((whole) => halts.some((one) => touches(one, whole)))
  return first ?? { from: 0, to: 0 }
}

/** Trades whose time is not before that of an earlier id. */
function timely(trades: readonly TradeBody[]): TradeBody[] {
  let newest = 0
  return trades.filter(({ time }) => {
    const inTime = time >= newest
    newest = Math.max(newest, time)
    return inTime
  })
}

/** When a market of the simulator stood still, by its own account. */
export const haltsOf = ({ truth }: Simulator, symbol: string): Interval[] => union(truth.halts(symbol))

const touches = (a: Interval, b: Interval): boolean => a.from < b.to && b.from < a.to
export const at = (time: number): string =>
  Number.isFinite(time) ? new Date(time).toISOString().slice(11, 23) : String(time)
