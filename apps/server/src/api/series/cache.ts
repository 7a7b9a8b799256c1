import { seriesKey } from '../../domain/candle.ts'
import type { Interval } from '../../domain/coverage.ts'
import { timeframe } from '../../domain/timeframe.ts'
import type { Series } from '../../store/store.ts'
import type { Numbers } from './rows.ts'
import { createSegment, type Segment, segmentLength } from './segment.ts'
import type { Source } from './source.ts'
import { readWindow } from './window.ts'

/** Bytes kept in all. */
const ROOM = 64 * 1024 * 1024
/** What a row and a segment cost beside their bytes, about. */
const ROW_OVERHEAD = 16
const SEGMENT_OVERHEAD = 2_000

/** Ready segments; those not used since the last look round are thrown out first. */
export interface SegmentCache {
  /** The segment that starts at `start`: at once from memory, or built from the source. */
  segment(source: Source, start: number, numbers: Numbers): Segment | Promise<Segment>
  /** Share of the segments asked for that were ready; 0 before the first. */
  hitRate(): number
  /** Forgets what shows `[from, to)` of a series. */
  invalidate(series: Series, range: Interval): void
}

/** The segments of one series, by start. */
type Shelf = Map<number, Entry>

interface Entry {
  readonly shelf: Shelf
  readonly segment: Segment
  readonly until: number
  /** Whether it was served since the last look round. */
  used: boolean
}

export interface CacheSettings {
  /** How long a segment is served without reading it again, ms. */
  readonly keepMs: number
  readonly now: () => number
}

export function createSegmentCache({ keepMs, now }: CacheSettings): SegmentCache {
  const shelves: Record<Numbers, Map<string, Shelf>> = { number: new Map(), string: new Map() }
  /** All entries, in the order in which they are looked at when there is no more room. */
  const entries = new Set<Entry>()
  /** What changed lately: the store may not have it yet, so what is built of it now is not kept. One range a series. */
  const changes = new Map<string, Interval & { readonly until: number }>()
  let used = 0

  const shelfOf = (series: string, numbers: Numbers): Shelf => {
    const known = shelves[numbers].get(series)
    if (known) return known
    const made: Shelf = new Map()
    shelves[numbers].set(series, made)
    return made
  }
  const forget = (entry: Entry) => {
    if (!entries.delete(entry)) return
    entry.shelf.delete(entry.segment.from)
    used -= cost(entry.segment)
  }
  const keep = (shelf: Shelf, segment: Segment) => {
    const before = shelf.get(segment.from)
    if (before) forget(before)
    const entry = { shelf, segment, until: now() + keepMs, used: false }
    shelf.set(segment.from, entry)
    entries.add(entry)
    used += cost(segment)
    makeRoom()
  }
  /** One that was used goes to the end of the line once; the walk meets it again there. */
  const makeRoom = () => {
    for (const entry of entries) {
      if (used <= ROOM) break
      if (!entry.used) forget(entry)
      else {
        entry.used = false
        entries.delete(entry)
        entries.add(entry)
      }
    }
  }
  const isSettled = (series: string, segment: Interval): boolean => {
    const change = changes.get(series)
    if (!change) return true
    if (change.until > now()) return !overlap(change, segment)
    changes.delete(series)
    return true
  }

  async function build(source: Source, start: number, numbers: Numbers): Promise<Segment> {
    const end = start + segmentLength(source.frame)
    const segment = createSegment(start, end, await readWindow(source, start, end, now()), numbers)
    if (isSettled(source.series, segment)) keep(shelfOf(source.series, numbers), segment)
    return segment
  }

  let asked = 0
  let ready = 0
  return {
    hitRate: () => (asked === 0 ? 0 : ready / asked),
    segment(source, start, numbers) {
      asked++
      const entry = shelves[numbers].get(source.series)?.get(start)
      if (!entry || now() >= entry.until) return build(source, start, numbers)
      entry.used = true
      ready++
      return entry.segment
    },
    invalidate(id, range) {
      const frame = timeframe(id.timeframe)
      if (!frame.ms) return
      const series = seriesKey(id)
      // A candle lends its close to the quiet intervals after it, so the segment after shows it too.
      const touched = { from: range.from, to: range.to + segmentLength(frame) }
      const before = changes.get(series)
      const open = before && before.until > now() ? before : touched
      changes.set(series, {
        from: Math.min(open.from, touched.from),
        to: Math.max(open.to, touched.to),
        until: now() + keepMs,
      })
      for (const kind of Object.values(shelves))
        for (const entry of kind.get(series)?.values() ?? []) if (overlap(touched, entry.segment)) forget(entry)
    },
  }
}

const overlap = (a: Interval, b: Interval): boolean => a.from < b.to && b.from < a.to

const cost = (segment: Segment): number => segment.bytes.length + segment.times.length * ROW_OVERHEAD + SEGMENT_OVERHEAD
