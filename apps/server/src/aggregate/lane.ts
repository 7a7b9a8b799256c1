import { clearBar, END, mergeBar, REVISION, START, setCandle, WIDTH } from '../domain/bar.ts'
import type { Candle } from '../domain/candle.ts'
import { MINUTE, nextOpen, openTime, type Timeframe } from '../domain/timeframe.ts'

/** Windows begun before the live trades that are remembered while their history is not known. */
const PARTIALS = 4

/** A candle whose beginning lies before the live trades. */
export interface Partial {
  readonly open: number
  readonly end: number
  /** What history must tell: `[open, until)`. The whole candle once its live part has left the ring. */
  until: number
  /** The bar of that stretch, once known. */
  history: Float64Array | undefined
}

/** One timeframe of one market: a ring of bars, the open ones and those closed last. They hold live trades only. */
export interface Lane {
  readonly frame: Timeframe
  /** Whole minutes can be had from an exchange's history, parts of a minute can't. */
  readonly subMinute: boolean
  /** The smaller lane that it is rolled up from. */
  readonly from: Lane | undefined
  /** The larger lanes that are rolled up from it. */
  readonly into: Lane[]
  readonly rows: Float64Array
  /** Where the bar made last lies in `rows`. */
  newest: number
  /** The latest open time of a bar made so far. */
  latest: number
  /** How many bars of the ring are open. */
  open: number
  /** Every candle that opens before it is closed. */
  closedTo: number
  /** End of the candle that closes next. */
  closesAt: number
  /** Last price before `closedTo`, and the open time of the candle it is from; NaN while unknown. */
  close: number
  closeFrom: number
  /** Open time of the newest candle that an earlier process stored: up to it a closed candle may be no news. */
  storedTo: number
  /** Bars that opened before it may have left the ring. */
  forgotten: number
  partials: Partial[]
  /** History or the store, and not trades alone, has changed what is here since it was saved. */
  amended: boolean
}

export function createLane(frame: Timeframe, from: Lane | undefined, bars: number): Lane {
  const rows = new Float64Array(bars * WIDTH)
  for (let at = 0; at < rows.length; at += WIDTH) rows[at + START] = rows[at + END] = Number.NEGATIVE_INFINITY
  const lane: Lane = {
    frame,
    subMinute: frame.ms > 0 && frame.ms < MINUTE,
    from,
    into: [],
    rows,
    newest: 0,
    latest: Number.NEGATIVE_INFINITY,
    open: 0,
    closedTo: Number.NEGATIVE_INFINITY,
    closesAt: Number.NEGATIVE_INFINITY,
    close: Number.NaN,
    closeFrom: Number.NEGATIVE_INFINITY,
    storedTo: Number.NEGATIVE_INFINITY,
    forgotten: Number.NEGATIVE_INFINITY,
    partials: [],
    amended: false,
  }
  from?.into.push(lane)
  return lane
}

/** Where the bar that opens at `start` lies, or -1. */
export function findBar({ rows, newest }: Lane, start: number): number {
  let at = newest
  do {
    if (rows[at + START] === start) return at
    at = at === 0 ? rows.length - WIDTH : at - WIDTH
  } while (at !== newest)
  return -1
}

/** Where the bar of the candle that closes next lies, or -1: looks at no more bars than it must. */
export function findClosing({ rows, newest, open, closedTo }: Lane): number {
  let at = newest
  for (let left = open; left > 0; at = at === 0 ? rows.length - WIDTH : at - WIDTH) {
    const start = rows[at + START]!
    if (start === closedTo) return at
    if (start > closedTo) left--
  }
  return -1
}

/** Where the bar that opens at `start` lies; made, in the place of the oldest closed one, when there is none. */
export function barAt(lane: Lane, start: number): number {
  const known = start > lane.latest ? -1 : findBar(lane, start)
  if (known >= 0) return known
  let at = after(lane, lane.newest)
  while (lane.rows[at + START]! >= lane.closedTo) at = after(lane, at)
  forget(lane, at)
  clearBar(lane.rows, at, start, nextOpen(lane.frame, start))
  lane.newest = at
  if (start >= lane.closedTo) lane.open++
  lane.latest = Math.max(lane.latest, start)
  return at
}

const after = ({ rows }: Lane, at: number): number => (at + WIDTH === rows.length ? 0 : at + WIDTH)

function forget(lane: Lane, at: number): void {
  const start = lane.rows[at + START]!
  if (start >= lane.forgotten) lane.forgotten = lane.rows[at + END]!
  for (const partial of lane.partials) {
    if (partial.open === start && !partial.history) partial.until = partial.end
  }
}

/** What the closed candle that opens at `start` is called from now on, if it is still in memory. */
export function setRevision(lane: Lane, start: number, revision: number): void {
  const at = findBar(lane, start)
  if (at < 0 || lane.rows[at + REVISION] === revision) return
  lane.rows[at + REVISION] = revision
  lane.amended = true
}

/** Removes bars that open in `[from, to)`. */
export function dropBars(lane: Lane, from: number, to: number): void {
  const { rows } = lane
  lane.open = 0
  for (let at = 0; at < rows.length; at += WIDTH) {
    if (rows[at + START]! >= from && rows[at + START]! < to)
      clearBar(rows, at, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)
    if (rows[at + START]! >= lane.closedTo) lane.open++
  }
}

/** Lets the lane begin anew at `time`, after a hole from `holeFrom` on. Live trades count from `liveFrom`. */
export function restart(lane: Lane, holeFrom: number, time: number, liveFrom: number): void {
  const open = openTime(lane.frame, time)
  const end = nextOpen(lane.frame, open)
  const whole = open === time
  // Nothing is closed twice, even if the hole is reported after its time was said to be complete.
  lane.closedTo = Math.max(lane.closedTo, whole || !lane.subMinute ? open : end)
  lane.closesAt = nextOpen(lane.frame, lane.closedTo)
  lane.close = Number.NaN
  lane.closeFrom = Number.NEGATIVE_INFINITY
  // A candle that the hole touches is left to history as a whole.
  lane.partials = lane.partials
    .filter((partial) => partial.end <= holeFrom && partial.open !== open)
    .slice(1 - PARTIALS)
  if (!whole && !lane.subMinute) lane.partials.push({ open, end, until: Math.min(liveFrom, end), history: undefined })
}

/** The bar of candles that traded, in order of time, all within `[open, end)`. */
export function barOf(candles: readonly Candle[], open: number, end: number): Float64Array {
  const bar = new Float64Array(WIDTH)
  const one = new Float64Array(WIDTH)
  clearBar(bar, 0, open, end)
  for (const candle of candles) {
    setCandle(one, 0, candle)
    mergeBar(bar, 0, one, 0)
  }
  return bar
}
