import { nextOpen } from './timeframes.ts'

/** A candle as the chart holds it. `time` is the open time, ms. */
export interface Bar {
  readonly time: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
}

/** Empty slots of the chart, `[from, to)`, ms. */
export interface Hole {
  readonly from: number
  readonly to: number
}

/** A longer hole is drawn this wide and no wider: an outage of a week must not push the chart off the screen. */
export const HOLE_SLOTS = 60

/** How the chart has to follow: nothing, the newest bar, an older one in its place, or everything anew. */
export type Change = 'none' | 'last' | 'older' | 'all'

/** A candle of the server. Undefined when its time is none. */
export function toBar({ time, open, high, low, close, volume }: Omit<Bar, 'time'> & { time: string }): Bar | undefined {
  const at = Date.parse(time)
  return Number.isFinite(at) ? { time: at, open, high, low, close, volume } : undefined
}

/** Two ascending runs as one; where both have a bar, `newer` wins. */
export function mergeBars(older: readonly Bar[], newer: readonly Bar[]): Bar[] {
  const byTime = new Map([...older, ...newer].map((bar) => [bar.time, bar]))
  return [...byTime.values()].sort((a, b) => a.time - b.time)
}

/**
 * Puts one live bar into `bars` (ascending, changed in place). A candle that closes late arrives after the next has
 * begun, so an older bar is ordinary; one that opens a hole or falls into one needs the chart laid out anew.
 */
export function putBar(bars: Bar[], bar: Bar, timeframe: string): Change {
  const last = bars.at(-1)
  if (!last) {
    bars.push(bar)
    return 'all'
  }
  if (bar.time > last.time) {
    bars.push(bar)
    return nextOpen(timeframe, last.time) === bar.time ? 'last' : 'all'
  }
  const index = indexOf(bars, bar.time)
  const known = bars[index]
  if (known?.time !== bar.time) {
    bars.splice(index, 0, bar)
    return 'all'
  }
  if (same(known, bar)) return 'none'
  bars[index] = bar
  return index === bars.length - 1 ? 'last' : 'older'
}

/** What the server says is missing after the newest bar: a feed that is down right now. */
export function findTail(bars: readonly Bar[], gaps: readonly Hole[], timeframe: string): Hole | undefined {
  const last = bars.at(-1)
  if (!last) return undefined
  const from = nextOpen(timeframe, last.time)
  const to = Math.max(...gaps.map((gap) => gap.to), 0)
  return to > from ? { from, to } : undefined
}

/** Where no bar is although the grid has a place for one. */
export function findHoles(bars: readonly Bar[], timeframe: string): Hole[] {
  return bars.flatMap((bar, index) => {
    const from = nextOpen(timeframe, bar.time)
    const next = bars[index + 1]
    return next && next.time > from ? [{ from, to: next.time }] : []
  })
}

/** The open times inside a hole, at most `HOLE_SLOTS` of them. */
export function slotsOf({ from, to }: Hole, timeframe: string): number[] {
  const slots: number[] = []
  for (let time = from; time < to && slots.length < HOLE_SLOTS; time = nextOpen(timeframe, time)) slots.push(time)
  return slots
}

/** The first index whose bar is not before `time`. */
function indexOf(bars: readonly Bar[], time: number): number {
  let low = 0
  let high = bars.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (bars[middle]!.time < time) low = middle + 1
    else high = middle
  }
  return low
}

const same = (a: Bar, b: Bar): boolean =>
  a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close && a.volume === b.volume
