const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const UNIT_MS: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY }

export interface TimeframeGroup {
  readonly name: string
  readonly codes: readonly string[]
}

/** Every timeframe the page offers, as a reader looks for them. */
export const timeframeGroups: readonly TimeframeGroup[] = [
  { name: 'Seconds', codes: ['1s', '5s'] },
  { name: 'Minutes', codes: ['1m', '3m', '5m', '15m', '30m'] },
  { name: 'Hours', codes: ['1h', '2h', '4h', '6h', '8h', '12h'] },
  { name: 'Days and more', codes: ['1d', '3d', '1w', '1M'] },
]

export const timeframes: readonly string[] = timeframeGroups.flatMap(({ codes }) => codes)

/** `15m` → `15 minutes`. */
export function timeframeName(code: string): string {
  const names: Readonly<Record<string, string>> = {
    s: 'second',
    m: 'minute',
    h: 'hour',
    d: 'day',
    w: 'week',
    M: 'month',
  }
  const n = Number.parseInt(code, 10)
  return `${n} ${names[code.at(-1) ?? ''] ?? ''}${n === 1 ? '' : 's'}`
}

/** Open time of the candle after the one that opens at `time`, ms. Each next open follows from the one before. */
export function nextOpen(code: string, time: number): number {
  const n = Number.parseInt(code, 10)
  const unit = UNIT_MS[code.at(-1) ?? '']
  if (unit) return time + n * unit
  const date = new Date(time)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + n, 1)
}

/** The timeframe `by` places further in the list; stays at its ends. */
export function stepTimeframe(code: string, by: number): string {
  const index = timeframes.indexOf(code) + by
  return timeframes[Math.max(0, Math.min(timeframes.length - 1, index))] ?? code
}
