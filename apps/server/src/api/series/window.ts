import type { Gap } from '@candlewire/protocol'
import type { Candle } from '../../domain/candle.ts'
import { type Coverage, covers, type Interval, knownIntervals } from '../../domain/coverage.ts'
import { fillQuiet, withoutTraded } from '../../domain/fill.ts'
import { healthOf } from '../../domain/health.ts'
import { clip, missing, subtract } from '../../domain/intervals.ts'
import { nextOpen, openTime, type Timeframe } from '../../domain/timeframe.ts'
import { SETTLING, type Source } from './source.ts'

/** A stretch of which not everything is known, or of which it is known that nothing traded (`quiet`). */
export interface Hole extends Interval {
  readonly status: Gap['status'] | 'quiet'
}

/** Closed candles of a stretch, quiet intervals filled, and what is not known in it. */
export interface Window {
  readonly candles: readonly Candle[]
  readonly holes: readonly Hole[]
  /** Open time of the newest candle before the stretch, ms. */
  readonly before: number | undefined
}

/** Reads the candles that open in `[from, to)`; both lie on the series' grid. `rows` when they have been read already. */
export async function readWindow(
  source: Source,
  from: number,
  to: number,
  now: number,
  rows?: readonly Candle[],
): Promise<Window> {
  const { frame } = source
  const [previous] = await source.closed({ to: from - 1, limit: 1, newest: true })
  const knownFrom = previous ? nextOpen(frame, previous.time) : from
  const [closed, coverage] = await Promise.all([
    rows ?? source.closed({ from, to: to - 1 }),
    source.coverage({ from: Math.min(knownFrom, from), to }),
  ])
  const unbroken = previous !== undefined && covers(knownIntervals(coverage), knownFrom, from)
  const forming = await source.forming()
  // Trades are covered a moment before their candle is closed: an interval is quiet only once that moment has passed.
  const settled = Math.min(to, openTime(frame, now - SETTLING))
  const quietUntil = Math.min(settled, forming[0]?.time ?? Infinity)
  const price = unbroken ? previous.close : undefined
  const filled = fillQuiet(closed, coverage, frame, from, quietUntil, price)
  const candles = await withoutTraded(filled, frame, source.firstTrade)
  const holes = [
    ...findHoles(coverage, [...closed, ...forming], frame, { from, to: settled }),
    ...subtract(spansOf(filled, frame), spansOf(candles, frame)).map((part): Hole => ({ ...part, status: 'missing' })),
  ]
  return {
    candles,
    holes: joinHoles([...holes, ...quietOf(candles, frame)].sort((a, b) => a.from - b.from)),
    before: previous?.time,
  }
}

function findHoles(coverage: readonly Coverage[], rows: readonly Candle[], frame: Timeframe, range: Interval): Hole[] {
  if (range.from >= range.to) return []
  const known = knownIntervals(coverage)
  const stated = coverage.filter(({ state }) => state === 'unknown')
  const unknown = clip(subtract(stated, known), range)
  const present = rows.map(({ time }) => ({ from: time, to: nextOpen(frame, time) }))
  const silent = missing(range, [...known, ...unknown, ...present])
  const holes = [
    ...unknown.map(({ from, to }): Hole => ({ from, to, status: 'unknown' })),
    ...silent.map(({ from, to }): Hole => ({ from, to, status: 'missing' })),
  ]
  return joinHoles(holes.sort((a, b) => a.from - b.from))
}

const spansOf = (candles: readonly Candle[], frame: Timeframe): Interval[] =>
  candles.map(({ time }) => ({ from: time, to: nextOpen(frame, time) }))

const quietOf = (candles: readonly Candle[], frame: Timeframe): Hole[] =>
  candles
    .filter((candle) => healthOf(candle) === 'quiet')
    .map(({ time }) => ({ from: time, to: nextOpen(frame, time), status: 'quiet' }))

/** Joins holes that touch and are of one status. `holes` ascend. */
export function joinHoles(holes: readonly Hole[]): Hole[] {
  const joined: Hole[] = []
  for (const hole of holes) {
    const last = joined.at(-1)
    if (last && last.status === hole.status && hole.from <= last.to)
      joined[joined.length - 1] = { ...last, to: Math.max(last.to, hole.to) }
    else joined.push(hole)
  }
  return joined
}
