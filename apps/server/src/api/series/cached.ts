import type { Candle } from '../../domain/candle.ts'
import { clip } from '../../domain/intervals.ts'
import { nextOpen } from '../../domain/timeframe.ts'
import { type CandleQuery, formingFor, lastOpen, openFrom, type Rows } from './answer.ts'
import type { SegmentCache } from './cache.ts'
import { rowText } from './rows.ts'
import { type Segment, segmentLength, segmentStart, slice } from './segment.ts'
import type { Source } from './source.ts'

/** A query that touches more segments is left to the store. */
const MAX_SEGMENTS = 40

/** Rows `[first, end)` of a segment. */
interface Part {
  readonly segment: Segment
  readonly first: number
  readonly end: number
}

type Load = (start: number) => Segment | Promise<Segment>

/** The rows of a query out of ready segments; `undefined` when that would be no gain. The same bytes as `readRows`. */
export async function cachedRows(
  source: Source,
  query: CandleQuery,
  cache: SegmentCache,
  now: number,
): Promise<Rows | undefined> {
  const end = lastOpen(source, query, now)
  const first = query.from === undefined ? undefined : openFrom(source, query.from)
  if (!source.kept || !source.frame.ms || (first !== undefined && first > end)) return undefined
  const forming = await formingFor(source, query)
  const load = (start: number) => cache.segment(source, start, query.numbers)
  const segments =
    first === undefined
      ? await newest(source, query.limit, end, load)
      : await oldest(source, query.limit, first, end, load)
  if (!segments) return undefined
  const parts = segments.map((segment) => within(segment, first ?? -Infinity, end))
  const chosen = choose(parts, forming, query.limit, first === undefined)
  const stop = nextOpen(source.frame, end)
  const full = first !== undefined && chosen.times === query.limit
  const shown = {
    from: first ?? chosen.firstTime ?? stop,
    to: full ? nextOpen(source.frame, chosen.lastTime!) : stop,
  }
  const holes =
    chosen.parts.length > 0 || first !== undefined
      ? clip(
          segments.flatMap((each) => each.holes),
          shown,
        )
      : []
  return { pieces: piecesOf(chosen, query), holes }
}

/** Segments back from `end` until they hold `limit` rows. */
async function newest(source: Source, limit: number, end: number, load: Load): Promise<Segment[] | undefined> {
  let rows = 0
  const segments = await walk(source, end, -1, load, (segment) => {
    rows += within(segment, -Infinity, end).end
    return rows >= limit || segment.before === undefined
  })
  return segments?.reverse()
}

/** Segments on from `first` until they hold `limit` rows or reach `end`. */
function oldest(source: Source, limit: number, first: number, end: number, load: Load): Promise<Segment[] | undefined> {
  let rows = 0
  return walk(source, first, 1, load, (segment, next) => {
    const part = within(segment, first, end)
    rows += part.end - part.first
    return rows >= limit || next > end
  })
}

/** Segments one after the other from that of `at`, until one is the last; `undefined` where the series is too sparse. */
async function walk(
  { frame }: Source,
  at: number,
  direction: 1 | -1,
  load: Load,
  isLast: (segment: Segment, next: number) => boolean,
): Promise<Segment[] | undefined> {
  const segments: Segment[] = []
  const step = direction * segmentLength(frame)
  for (let start = segmentStart(frame, at); segments.length < MAX_SEGMENTS; start += step) {
    const ready = load(start)
    // One that is at hand is not waited for: many are, and each wait is a turn.
    const segment = ready instanceof Promise ? await ready : ready
    segments.push(segment)
    if (isLast(segment, start + step)) return segments
  }
  return undefined
}

function within(segment: Segment, from: number, to: number): Part {
  const { times } = segment
  const all = (times[0] ?? 0) >= from && (times.at(-1) ?? 0) <= to
  if (all) return { segment, first: 0, end: times.length }
  const first = times.findIndex((time) => time >= from)
  return { segment, first: first < 0 ? times.length : first, end: times.findLastIndex((time) => time <= to) + 1 }
}

interface Chosen {
  readonly parts: readonly Part[]
  readonly forming: readonly Candle[]
  /** How many candles in all, and the open times of the first and last. */
  readonly times: number
  readonly firstTime: number | undefined
  readonly lastTime: number | undefined
}

/** The first or last `limit` of the parts' rows and the candles not closed yet. */
function choose(all: readonly Part[], live: readonly Candle[], limit: number, fromEnd: boolean): Chosen {
  const parts = all.filter(({ first, end }) => end > first)
  const lastClosed = parts.at(-1)
  const after = live.filter(({ time }) => !lastClosed || time > timeBefore(lastClosed))
  const rows = parts.reduce((sum, { first, end }) => sum + end - first, 0)
  const room = fromEnd ? Math.max(0, limit - after.length) : limit
  const kept = trim(parts, Math.max(0, rows - room), fromEnd)
  const count = Math.min(rows, room)
  const forming = fromEnd ? after.slice(-limit) : after.slice(0, limit - count)
  const first = kept[0]
  const last = kept.at(-1)
  return {
    parts: kept,
    forming,
    times: count + forming.length,
    firstTime: first ? first.segment.times[first.first] : forming[0]?.time,
    lastTime: forming.at(-1)?.time ?? (last && timeBefore(last)),
  }
}

const timeBefore = ({ segment, end }: Part): number => segment.times[end - 1]!

/** Parts without `surplus` rows at their start or end. */
function trim(parts: readonly Part[], surplus: number, atStart: boolean): Part[] {
  const kept: Part[] = []
  let left = surplus
  for (const part of atStart ? parts : parts.toReversed()) {
    const cut = Math.min(left, part.end - part.first)
    left -= cut
    const rest = atStart ? { ...part, first: part.first + cut } : { ...part, end: part.end - cut }
    if (rest.end > rest.first) kept.push(rest)
  }
  return atStart ? kept : kept.reverse()
}

function piecesOf({ parts, forming }: Chosen, { numbers }: CandleQuery): Buffer[] {
  const pieces = parts.map(({ segment, first, end }) => slice(segment, first, end))
  return [...pieces, ...forming.map((candle) => Buffer.from(`${rowText(candle, numbers)},`))]
}
