import type { Interval } from '../domain/coverage.ts'
import { DAY, MINUTE } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import type { FileBatch } from './files.ts'
import { namedSpan } from './readers/read.ts'

/** A stretch whose trades are missing, and how many by their ids (0 where ids do not count). */
export interface Hole extends Interval {
  readonly trades: number
}

/** What a run of files proves: which trades are new, what is missing between them, how far they reach. */
export interface Extent {
  /** False for a trade that came before, or that stands after a later one. */
  readonly take: (trade: Trade, batch: FileBatch<Trade>) => boolean
  readonly batchEnd: (batch: FileBatch<Trade>) => void
  /** Trades refused because they stand after later ones, so that their hole remains. */
  readonly misplaced: () => number
  readonly first: () => Trade | undefined
  readonly last: () => Trade | undefined
  /** Where coverage begins, ms; known from the first trade on. */
  readonly from: () => number
  /** From the beginning to the end of what is covered, holes included. */
  readonly covered: () => Interval | undefined
  readonly holes: () => readonly Hole[]
  readonly holed: (from: number, to: number) => boolean
}

/** A quiet market's first trade of the day may come this long after midnight, and its last this long before. */
const NEAR_MIDNIGHT = MINUTE
/** Frames of a live recording may arrive this much later than the exchange says they happened. */
const LATENESS = 1_000
/** Beyond it the newest holes are joined into one, so that a file of nothing but holes does not fill the memory. */
const MOST_HOLES = 10_000

const midnight = (time: number): number => time - (time % DAY)

/**
 * The rule of edges. A file named for a day or month holds all of it; so do all files with `whole`. Trades of an archive
 * that begin or end within a minute of midnight UTC begin or end there. Anything else, and each live recording (its rows
 * carry the time of their arrival), is known only from its first to its last trade, a capture from first to last frame.
 */
export function createExtent(whole: boolean, finished: (path: string) => boolean): Extent {
  const holes: (Hole & { firstId: number; endId: number })[] = []
  const newest = new Set<Trade['id']>()
  let first: Trade | undefined
  let last: Trade | undefined
  let batchOfLast: FileBatch<Trade> | undefined
  let from = 0
  let expected: number | undefined
  let misplaced = 0
  /** A batch of nothing but bad rows has gone by. */
  let lostBatch = false

  function take(trade: Trade, batch: FileBatch<Trade>): boolean {
    if (isKnown(trade)) return false
    if (typeof trade.id === 'string' && batch !== batchOfLast) doubt(trade, batch)
    if (!last) {
      first = trade
      from = beginning(trade, batch, whole)
    } else findHole(last, trade, batch)
    if (typeof trade.id === 'number') expected = trade.id + trade.count
    if (!last || trade.time >= last.time) last = trade
    batchOfLast = batch
    return true
  }

  /** Where ids do not count, nothing tells what a bad row held: all of its batch is in doubt. */
  function doubt(trade: Trade, batch: FileBatch<Trade>): void {
    if (batch.bad.length === 0 && !lostBatch) return
    const latest = batch.items.reduce((time, item) => Math.max(time, item.time), trade.time)
    addHole({ from: last?.time ?? trade.time, to: latest + 1, trades: 0, firstId: 0, endId: 0 })
    lostBatch = false
  }

  function isKnown({ id, time }: Trade): boolean {
    if (typeof id === 'number') {
      if (expected === undefined || id >= expected) return false
      if (holes.some(({ firstId, endId }) => id >= firstId && id < endId)) misplaced++
      return true
    }
    if (last && time > last.time) newest.clear()
    return newest.size === newest.add(id).size
  }

  function findHole(previous: Trade, trade: Trade, batch: FileBatch<Trade>): void {
    const counted = typeof trade.id === 'number' && expected !== undefined
    const missing = counted ? Number(trade.id) - expected! : 0
    const sameFile = batchOfLast?.path === batch.path
    if (missing === 0 && (counted || sameFile)) return
    const bounds = { from: previous.time, to: trade.time + 1 }
    if (!sameFile && batchOfLast) {
      const end = ending(previous, batchOfLast, whole, finished)
      const begin = beginning(trade, batch, whole)
      if (end < begin) Object.assign(bounds, { from: end, to: begin })
      else if (!counted) return
    }
    addHole({ ...bounds, trades: missing, firstId: expected ?? 0, endId: (expected ?? 0) + missing })
  }

  function addHole(hole: Hole & { firstId: number; endId: number }): void {
    const newestHole = holes.at(-1)
    if (!newestHole || holes.length < MOST_HOLES) holes.push(hole)
    else
      holes[holes.length - 1] = {
        ...newestHole,
        to: hole.to,
        trades: newestHole.trades + hole.trades,
        endId: hole.endId,
      }
  }

  return {
    take,
    batchEnd: (batch) => {
      if (batchOfLast !== batch && batch.bad.length > 0) lostBatch = true
      if (batchOfLast?.path === batch.path) batchOfLast = batch
    },
    misplaced: () => misplaced,
    first: () => first,
    last: () => last,
    from: () => from,
    covered: () => (last && batchOfLast ? { from, to: ending(last, batchOfLast, whole, finished) } : undefined),
    holes: () => holes,
    holed(open, end) {
      for (let index = holes.length - 1; index >= 0; index--) {
        const hole = holes[index]!
        if (hole.to <= open) return false
        if (hole.from < end) return true
      }
      return false
    },
  }
}

function beginning(trade: Trade, { path, shape, seen }: FileBatch<Trade>, whole: boolean): number {
  const day = midnight(trade.time)
  if (whole) return day
  const span = namedSpan(path)
  if (span && trade.time >= span.from && trade.time < span.to) return span.from
  if (shape === 'frames' && seen) return Math.min(trade.time + 1, seen.from + LATENESS)
  const archive = trade.received === trade.time
  return archive && trade.time - day < NEAR_MIDNIGHT ? day : trade.time + 1
}

function ending(trade: Trade, batch: FileBatch<Trade>, whole: boolean, finished: (path: string) => boolean): number {
  const read = batch.whole && finished(batch.path)
  const nextDay = midnight(trade.time) + DAY
  if (whole && read) return nextDay
  const span = namedSpan(batch.path)
  if (span && read && trade.time >= span.from && trade.time < span.to) return span.to
  if (batch.shape === 'frames' && batch.seen) return Math.max(trade.time, batch.seen.to - LATENESS)
  const archive = trade.received === trade.time
  return archive && read && nextDay - trade.time <= NEAR_MIDNIGHT ? nextDay : trade.time
}
