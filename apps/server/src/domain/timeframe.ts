import { failure } from '../lib/failure.ts'

/**
 * A grid of candle intervals in UTC. Intraday frames count from midnight, weeks open on Monday, months on day 1.
 */
export interface Timeframe {
  readonly code: string
  /** Length in ms; 0 for months, which have no fixed length. */
  readonly ms: number
  readonly months: number
  /** An open time of the grid, ms; 0 for all grids that count from the epoch. */
  readonly origin: number
}

const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
const UNIT_MS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY }

/** 1970-01-01 was a Thursday. */
const FIRST_MONDAY = 4 * DAY
/** Binance's own 3d rows (2017-08-17, 2026-07-01) open on days that leave 1 when divided by 3; no other exchange has 3d. */
const FIRST_3D = DAY

const known = new Map<string, Timeframe>()

/** Reads `45m`, `4h`, `3d`, `1w`, `1M`. Seconds, minutes and hours must divide a day. Throws `INVALID_TIMEFRAME`. */
export function timeframe(code: string): Timeframe {
  const hit = known.get(code)
  if (hit) return hit
  const made = parse(code)
  known.set(code, made)
  return made
}

function parse(code: string): Timeframe {
  const [, digits, unit] = /^([1-9]\d{0,4})([smhdwM])$/.exec(code) ?? []
  if (!digits || !unit) throw failure('INVALID_TIMEFRAME', { timeframe: code })
  const n = Number(digits)
  if (unit === 'M') return { code, ms: 0, months: n, origin: 0 }
  const ms = n * UNIT_MS[unit]!
  if ('smh'.includes(unit) && DAY % ms !== 0) throw failure('INVALID_TIMEFRAME', { timeframe: code })
  const origin = unit === 'w' ? FIRST_MONDAY : code === '3d' ? FIRST_3D : 0
  return { code, ms, months: 0, origin }
}

/** Whether `code` names a timeframe. */
export function isTimeframe(code: string): boolean {
  try {
    timeframe(code)
    return true
  } catch {
    return false
  }
}

/** Open time of the candle that holds `time`, ms; exact for at least 100,000 years. */
export function openTime(frame: Timeframe, time: number): number {
  // A division costs a fraction of the remainder of two doubles.
  if (frame.ms) return frame.origin + Math.floor((time - frame.origin) / frame.ms) * frame.ms
  const date = new Date(time)
  const months = date.getUTCFullYear() * 12 + date.getUTCMonth()
  return monthStart(months - (months % frame.months))
}

/** Open time of the candle after the one that opens at `open`; also that candle's exclusive end. */
export function nextOpen(frame: Timeframe, open: number): number {
  if (frame.ms) return open + frame.ms
  const date = new Date(open)
  return monthStart(date.getUTCFullYear() * 12 + date.getUTCMonth() + frame.months)
}

const monthStart = (months: number): number => Date.UTC(Math.floor(months / 12), months % 12, 1)

/** Whether each candle of `larger` is made of whole candles of `smaller`. */
export function divides(smaller: Timeframe, larger: Timeframe): boolean {
  if (smaller.code === larger.code) return false
  if (smaller.months) return larger.months > 0 && larger.months % smaller.months === 0
  if (larger.months) return smaller.ms <= DAY && DAY % smaller.ms === 0
  return larger.ms % smaller.ms === 0 && (larger.origin - smaller.origin) % smaller.ms === 0
}

/** A rough length for sorting and planning, ms; a month counts 30 days. */
export const roughMs = (frame: Timeframe): number => frame.ms || frame.months * 30 * DAY

/** Smallest first. */
export const bySize = (a: Timeframe, b: Timeframe): number => roughMs(a) - roughMs(b)

/**
 * For each frame but the smallest: the largest other frame that divides it, from which it is rolled up.
 * Throws `INVALID_TIMEFRAME` for one that no other divides.
 */
export function parents(frames: readonly Timeframe[]): { frame: Timeframe; from: Timeframe | undefined }[] {
  const sorted = [...frames].sort(bySize)
  return sorted.map((frame, index) => {
    const from = sorted.slice(0, index).findLast((smaller) => divides(smaller, frame))
    if (!from && index > 0) throw failure('INVALID_TIMEFRAME', { timeframe: frame.code })
    return { frame, from }
  })
}
