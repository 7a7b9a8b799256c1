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

/** Ready segments, the least used thrown out first. */
export interface SegmentCache {
  /** The segment that starts at `start`, from memory or built from the source. */
  segment(source: Source, start: number, numbers: Numbers): Promise<Segment>
  /** Forgets what shows `[from, to)` of a series. */
  invalidate(series: Series, range: Interval): void
}

interface Entry {
  readonly series: string
  readonly segment: Segment
  readonly until: number
}

export interface CacheSettings {
  /** How long a segment is served without reading it again, ms. */
  readonly keepMs: number
  readonly now: () => number
}

export function createSegmentCache({ keepMs, now }: CacheSettings): SegmentCache {
  const entries = new Map<string, Entry>()
  /** What changed lately: the store may not have it yet, so what is built of it now is not kept. One range a series. */
  const changes = new Map<string, Interval & { readonly until: number }>()
  let used = 0

  const forget = (key: string) => {
    const entry = entries.get(key)
    if (!entry) return
    entries.delete(key)
    used -= cost(entry.segment)
  }
  const keep = (key: string, series: string, segment: Segment) => {
    forget(key)
    entries.set(key, { series, segment, until: now() + keepMs })
    used += cost(segment)
    for (const oldest of entries.keys()) {
      if (used <= ROOM) break
      forget(oldest)
    }
  }
  const isSettled = (series: string, segment: Interval): boolean => {
    const change = changes.get(series)
    if (!change) return true
    if (change.until > now()) return !overlap(change, segment)
    changes.delete(series)
    return true
  }

  return {
    async segment(source, start, numbers) {
      const series = seriesKey({ ...source.market, timeframe: source.frame.code })
      const key = `${series} ${start} ${numbers}`
      const entry = entries.get(key)
      if (entry && now() < entry.until) {
        entries.delete(key)
        entries.set(key, entry)
        return entry.segment
      }
      const end = start + segmentLength(source.frame)
      const segment = createSegment(start, end, await readWindow(source, start, end, now()), numbers)
      if (isSettled(series, segment)) keep(key, series, segment)
      return segment
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
      for (const [key, entry] of entries) if (entry.series === series && overlap(touched, entry.segment)) forget(key)
    },
  }
}

const overlap = (a: Interval, b: Interval): boolean => a.from < b.to && b.from < a.to

const cost = (segment: Segment): number => segment.bytes.length + segment.times.length * ROW_OVERHEAD + SEGMENT_OVERHEAD
