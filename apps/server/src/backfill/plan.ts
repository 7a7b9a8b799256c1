import type { Interval } from '../domain/coverage.ts'
import { divides, nextOpen, openTime, roughMs, timeframe } from '../domain/timeframe.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { Usage } from '../exchanges/rest.ts'
import { failure } from '../lib/failure.ts'

/** What a backfill is going to fetch and what that costs. Times in ms, `to` exclusive. */
export interface Plan {
  readonly timeframe: string
  readonly missing: readonly (Interval & { readonly candles: number })[]
  readonly requests: number
  /** In the exchange's unit of cost. */
  readonly weight: number
  readonly seconds: number
}

/** Requests that are under way at the same time, and what one takes when nothing holds it back, ms. */
export interface Pace {
  readonly concurrency: number
  readonly latencyMs: number
}

/** The timeframe whose candles the exchange has and from which `code` can be made: itself or the largest that divides it. */
export function fetchable(exchange: Exchange, code: string): string {
  const wanted = timeframe(code)
  if (exchange.timeframes.includes(code)) return code
  const fitting = exchange.timeframes.map(timeframe).filter((frame) => divides(frame, wanted))
  const largest = fitting.sort((a, b) => roughMs(b) - roughMs(a))[0]
  if (!largest) throw failure('INVALID_TIMEFRAME', { timeframe: code })
  return largest.code
}

/** Widens intervals to whole candles; neighbours that touch become one. Ascending. */
export function toGrid(code: string, intervals: readonly Interval[]): Interval[] {
  const frame = timeframe(code)
  const joined: Interval[] = []
  for (const interval of [...intervals].sort((a, b) => a.from - b.from)) {
    const from = openTime(frame, interval.from)
    const to = nextOpen(frame, openTime(frame, interval.to - 1))
    const last = joined.at(-1)
    if (last && from <= last.to) joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, to) }
    else joined.push({ from, to })
  }
  return joined
}

/** How many candles open in the interval, which lies on the grid. */
export function candlesIn(code: string, { from, to }: Interval): number {
  const frame = timeframe(code)
  if (frame.ms) return Math.max(0, Math.ceil((to - from) / frame.ms))
  let count = 0
  for (let open = openTime(frame, from); open < to; open = nextOpen(frame, open)) count += 1
  return count
}

/** `intervals` lie on the grid. `now` in ms. */
export function planFetch(
  exchange: Exchange,
  code: string,
  intervals: readonly Interval[],
  usage: Usage,
  pace: Pace,
  now: number,
): Plan {
  const missing = intervals.map((interval) => ({ ...interval, candles: candlesIn(code, interval) }))
  const size = exchange.limits.candlesPerRequest
  const requests = missing.reduce((sum, { candles }) => sum + Math.ceil(candles / size), 0)
  const symbol = ''
  const weight = requests * exchange.rest.candles({ symbol, timeframe: code, now }).weight
  return { timeframe: code, missing, requests, weight, seconds: seconds(exchange, requests, weight, usage, pace, now) }
}

/** The longer of what the budget allows and what the requests take one after the other in their lanes. */
export function seconds(
  exchange: Exchange,
  requests: number,
  weight: number,
  usage: Usage,
  pace: Pace,
  now: number,
): number {
  if (!requests) return 0
  const blocked = Math.max(0, usage.blockedUntil - now)
  const beyond = Math.max(0, weight - Math.max(0, usage.limit - usage.used))
  const windows = Math.ceil(beyond / usage.limit) * exchange.limits.weightWindowMs
  const travel = Math.ceil(requests / pace.concurrency) * pace.latencyMs
  return Math.ceil((blocked + Math.max(windows, travel)) / 100) / 10
}
