import type { Interval } from '../domain/coverage.ts'
import { divides, nextOpen, openTime, roughMs, timeframe } from '../domain/timeframe.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { backfillLimit } from '../exchanges/gate.ts'
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

/** Requests to be sent and what they cost. */
export interface Load {
  readonly requests: number
  readonly weight: number
  /** The requests of each lane: they follow one another. */
  readonly lanes: readonly number[]
}

/** The load of jobs that are taken up in this order, a few at a time, each sending one request after the other. */
export function loadOf(jobs: readonly { requests: number; weight: number }[], concurrency: number): Load {
  const lanes = Array<number>(Math.max(1, concurrency)).fill(0)
  for (const { requests } of jobs) lanes[lanes.indexOf(Math.min(...lanes))]! += requests
  const sum = (of: 'requests' | 'weight') => jobs.reduce((total, job) => total + job[of], 0)
  return { requests: sum('requests'), weight: sum('weight'), lanes }
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

/** `intervals` lie on the grid; `latencyMs` is what one request takes when nothing holds it back. `now` in ms. */
export function planFetch(
  exchange: Exchange,
  code: string,
  intervals: readonly Interval[],
  usage: Usage,
  latencyMs: number,
  now: number,
): Plan {
  const missing = intervals.map((interval) => ({ ...interval, candles: candlesIn(code, interval) }))
  const size = exchange.limits.candlesPerRequest
  const requests = missing.reduce((sum, { candles }) => sum + Math.ceil(candles / size), 0)
  const symbol = ''
  const weight = requests * exchange.rest.candles({ symbol, timeframe: code, now }).weight
  const load = { requests, weight, lanes: [requests] }
  return { timeframe: code, missing, requests, weight, seconds: seconds(exchange, load, usage, latencyMs, now) }
}

/**
 * How long a load takes: requests go as quickly as the exchange answers until the budget is used up, and on when a window
 * after the first of them has passed, or when the exchange's own window begins anew before that.
 */
export function seconds(exchange: Exchange, load: Load, usage: Usage, latencyMs: number, now: number): number {
  const { requests, weight, lanes } = load
  if (!requests) return 0
  const { weightWindowMs: window, calendarWindows } = exchange.limits
  const each = weight / requests
  const share = Math.max(1, Math.floor(backfillLimit(usage.limit) / each))
  const start = Math.max(now, usage.blockedUntil)
  let free = Math.max(0, Math.floor((backfillLimit(usage.limit) - usage.used) / each))
  for (let at = start, sent = 0; ; free = share) {
    const boundary = calendarWindows ? Math.floor(at / window) * window + window : Number.POSITIVE_INFINITY
    const turn = turnAfter(lanes, sent)
    const possible = Math.floor(sentBy(lanes, turn + (boundary - at) / latencyMs) - sent)
    const going = Math.min(requests - sent, free, possible)
    const done = at + (turnAfter(lanes, sent + going) - turn) * latencyMs
    sent += going
    if (sent >= requests) return Math.ceil((done - now) / 100) / 10
    at = going === possible ? boundary : Math.max(at + window + latencyMs, done)
  }
}

/** Requests that the lanes have sent after so many turns. */
const sentBy = (lanes: readonly number[], turns: number): number =>
  lanes.reduce((sum, lane) => sum + Math.min(lane, turns), 0)

/** The turns after which the lanes have sent so many requests; lanes with nothing left stand by. */
function turnAfter(lanes: readonly number[], sent: number): number {
  let turns = 0
  let left = sent
  const ascending = lanes.toSorted((a, b) => a - b)
  for (const [index, lane] of ascending.entries()) {
    const active = ascending.length - index
    if (left <= (lane - turns) * active) return turns + left / active
    left -= (lane - turns) * active
    turns = lane
  }
  return turns
}
