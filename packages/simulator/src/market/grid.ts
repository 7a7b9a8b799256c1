export const minuteMs = 60_000
export const dayMs = 86_400_000

/** Length of the intervals with a fixed one, in ms. The month has none. */
const fixed = {
  '1s': 1_000,
  '1m': minuteMs,
  '3m': 3 * minuteMs,
  '5m': 5 * minuteMs,
  '15m': 15 * minuteMs,
  '30m': 30 * minuteMs,
  '1h': 60 * minuteMs,
  '2h': 120 * minuteMs,
  '4h': 240 * minuteMs,
  '6h': 360 * minuteMs,
  '8h': 480 * minuteMs,
  '12h': 720 * minuteMs,
  '1d': dayMs,
  '3d': 3 * dayMs,
  '1w': 7 * dayMs,
} as const

export type Interval = keyof typeof fixed | '1M'

export const intervals: readonly Interval[] = [...(Object.keys(fixed) as (keyof typeof fixed)[]), '1M']

const known = new Set<string>(intervals)
export const isInterval = (name: string): name is Interval => known.has(name)

/** Where the grid of an interval starts, in ms: `3d` bars open on days with number 1 modulo 3, weeks on Monday. */
const origin = (interval: Interval): number => (interval === '3d' ? dayMs : interval === '1w' ? 4 * dayMs : 0)

const month = (time: number, add: number): number => {
  const date = new Date(time)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + add)
}

/** Open time of the bar that holds `time`, both in ms. `shift` moves the grid east (ms; a UTC+8 grid is 8 h). */
export const openOf = (interval: Interval, time: number, shift = 0): number => {
  if (interval === '1M') return month(time + shift, 0) - shift
  const length = fixed[interval]
  const from = origin(interval) - shift
  return Math.floor((time - from) / length) * length + from
}

/** Open time of the bar after the one that opens at `open`. */
export const nextOpen = (interval: Interval, open: number, shift = 0): number =>
  interval === '1M' ? month(open + shift, 1) - shift : open + fixed[interval]

/** Open time `count` bars before the one that opens at `open`. */
export const backBy = (interval: Interval, open: number, count: number, shift = 0): number =>
  interval === '1M' ? month(open + shift, -count) - shift : open - count * fixed[interval]
