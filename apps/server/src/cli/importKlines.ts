import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { rollUp } from '../domain/fold.ts'
import { subtract, union } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import {
  DAY,
  divides,
  isTimeframe,
  nextOpen,
  openTime,
  roughMs,
  type Timeframe,
  timeframe,
} from '../domain/timeframe.ts'
import { exactText } from '../lib/decimal.ts'
import type { Store } from '../store/store.ts'
import type { Feed } from './files.ts'
import { type FrameCount, notePartial } from './importTrades.ts'
import { lineage } from './ladder.ts'
import type { KlineRow } from './readers/klines.ts'
import { uncovered } from './rebuild.ts'

export interface KlineReport {
  /** Rows that stand in the files more than once. */
  readonly duplicates: number
  /** Rows not written because the store holds the candle folded from trades. */
  readonly kept: number
  /** Of those, how many say something else. */
  readonly differing: number
  readonly holes: readonly Interval[]
  readonly covered: Interval | undefined
  readonly candles: ReadonlyMap<string, FrameCount>
}

export interface KlineImport {
  readonly store: Store
  readonly market: MarketId
  readonly frame: Timeframe
  readonly frames: readonly Timeframe[]
  readonly feed: Feed<KlineRow>
  /** Nothing traded where rows are missing between the first and the last. */
  readonly sparse: boolean
  /** The files hold whole UTC days. */
  readonly whole: boolean
}

const CODES = '1s 5s 15s 30s 1m 3m 5m 10m 15m 30m 1h 2h 3h 4h 6h 8h 12h 1d 3d 1w 1M'.split(' ')

/**
 * The timeframe that the rows name; or the largest on whose grid they lie, give or take a bad row, but not larger than
 * their commonest distance; or, of a single row, that which the file is named for. Undefined when there is none.
 */
export function inferFrame(rows: readonly KlineRow[], path: string): Timeframe | undefined {
  const named = rows[0]?.interval ?? (rows.length === 1 ? /[-_](\d+[smhdwM])[-_.]/.exec(path)?.[1] : undefined)
  if (named !== undefined) return isTimeframe(named) ? timeframe(named) : undefined
  const times = rows.map(({ candle: { time } }) => time)
  const longest = commonestDistance(times)
  const isFit = (frame: Timeframe): boolean =>
    nextOpen(frame, times[0]!) - times[0]! <= longest &&
    times.filter((time) => openTime(frame, time) === time).length >= times.length * 0.99
  return CODES.map(timeframe).findLast(isFit)
}

function commonestDistance(times: readonly number[]): number {
  const distances = new Map<number, number>()
  for (const [index, time] of times.slice(1).entries()) {
    const distance = Math.abs(time - times[index]!)
    if (distance > 0) distances.set(distance, (distances.get(distance) ?? 0) + 1)
  }
  return [...distances].sort(([a, n], [b, m]) => m - n || b - a)[0]?.[0] ?? 0
}

/** Stores the rows of the files as the exchange's own candles, what they cover, and the larger candles made of them. */
export async function importKlines(options: KlineImport): Promise<KlineReport> {
  const { store, market, frame, frames, feed } = options
  const tally = { duplicates: 0, kept: 0, differing: 0 }
  const counts: FrameCount = { written: 0, partial: 0 }
  const candles = new Map([[frame.code, counts]])
  const extent = createRuns(options)
  for await (const { items } of feed.batches()) {
    if (items.length === 0) continue
    const fresh = uniqueRows(items)
    tally.duplicates += items.length - fresh.length
    const { written, kept, differing } = await putRows(store, fresh)
    counts.written += written
    tally.kept += kept
    tally.differing += differing
    for (const { candle } of fresh) extent.add(candle.time)
  }
  const runs = extent.runs()
  const [first, last] = [runs[0], runs.at(-1)]
  if (!first || !last) return { ...tally, holes: [], covered: undefined, candles }
  const covered = { from: first.from, to: last.to }
  const holes = subtract([covered], runs)
  await coverRuns(store, market, frame, runs, holes)
  for (const [code, count] of await rollUpStored(store, market, frame, frames, covered)) candles.set(code, count)
  return { ...tally, holes, covered, candles }
}

/** Stretches without a missing row. */
function createRuns({ frame, sparse, whole }: KlineImport) {
  const runs: { from: number; to: number }[] = []
  const reach = (time: number): Interval =>
    whole
      ? { from: time - (time % DAY), to: Math.max(nextOpen(frame, time), time - (time % DAY) + DAY) }
      : { from: time, to: nextOpen(frame, time) }
  return {
    add(time: number): void {
      const { from, to } = sparse ? reach(time) : { from: time, to: nextOpen(frame, time) }
      const last = runs.at(-1)
      if (!last || from < last.from || (from > last.to && !sparse)) runs.push({ from, to })
      else last.to = Math.max(last.to, to)
    },
    runs(): Interval[] {
      const joined = union(runs)
      const [first, last] = [joined[0], joined.at(-1)]
      return sparse && first && last ? [{ from: first.from, to: last.to }] : joined
    },
  }
}

const uniqueRows = (rows: readonly KlineRow[]): KlineRow[] => [
  ...new Map(rows.map((row) => [row.candle.time, row])).values(),
]

/** A candle that was folded from trades, or that says more, is never replaced by a row of a file. */
async function putRows(store: Store, rows: readonly KlineRow[]) {
  const candles = rows.map(({ candle }) => candle)
  const stored = await storedAt(store, candles)
  const fresh: Candle[] = []
  let differing = 0
  for (const { candle, has } of rows) {
    const known = stored.get(candle.time)
    const same = known !== undefined && samePrices(known, candle)
    const keeps = known && (known.source === 'trades' || (same && known.quoteVolume > 0 && !has.quoteVolume))
    if (!keeps) fresh.push(known ? { ...candle, revision: known.revision } : candle)
    else if (!same) differing++
  }
  if (fresh.length) await store.putCandles(fresh)
  return { written: fresh.length, kept: candles.length - fresh.length, differing }
}

async function storedAt(store: Store, candles: readonly Candle[]): Promise<Map<number, Candle>> {
  const [any] = candles
  if (!any) return new Map()
  let [from, to] = [any.time, any.time]
  for (const { time } of candles) [from, to] = [Math.min(from, time), Math.max(to, time)]
  return new Map((await store.candles(any, { from, to })).map((candle) => [candle.time, candle]))
}

const samePrices = (a: Candle, b: Candle): boolean =>
  a.open === b.open &&
  a.high === b.high &&
  a.low === b.low &&
  a.close === b.close &&
  exactText(a.volume, a.volumeRest) === exactText(b.volume, b.volumeRest)

async function coverRuns(
  store: Store,
  market: MarketId,
  frame: Timeframe,
  runs: readonly Interval[],
  holes: readonly Interval[],
): Promise<void> {
  const unknown: Interval[] = []
  for (const hole of holes) unknown.push(...(await uncovered(store, market, hole, frame.code)))
  const series = { ...market, series: frame.code }
  await store.cover([
    ...runs.map(({ from, to }) => ({ ...series, from, to, state: 'complete' as const })),
    ...unknown.map(({ from, to }) => ({ ...series, from, to, state: 'unknown' as const })),
  ])
}

/** Candles a page: a page of the largest frames is a single window. */
const PAGE = 5_000

/** Rolls stored rows up into each larger frame, one made of the next smaller; only windows of which every row is there. */
async function rollUpStored(
  store: Store,
  market: MarketId,
  base: Timeframe,
  frames: readonly Timeframe[],
  covered: Interval,
): Promise<Map<string, FrameCount>> {
  const results = new Map<string, FrameCount>()
  const larger = frames.filter((frame) => divides(base, frame))
  for (const { frame, from } of lineage([base, ...larger])) {
    if (!from) continue
    const counts: FrameCount = { written: 0, partial: 0 }
    results.set(frame.code, counts)
    const step = Math.max(1, Math.floor((PAGE * roughMs(from)) / roughMs(frame)))
    for (let start = openTime(frame, covered.from); start < covered.to; ) {
      const windows = windowsFrom(frame, start, step, covered.to)
      const end = windows.at(-1)!.to
      await rollPage(store, market, from, frame, windows, counts)
      start = end
    }
  }
  return results
}

function windowsFrom(frame: Timeframe, start: number, count: number, until: number): Interval[] {
  const windows: Interval[] = []
  for (let open = start; windows.length < count && open < until; open = nextOpen(frame, open))
    windows.push({ from: open, to: nextOpen(frame, open) })
  return windows
}

async function rollPage(
  store: Store,
  market: MarketId,
  from: Timeframe,
  frame: Timeframe,
  windows: readonly Interval[],
  counts: FrameCount,
): Promise<void> {
  const range = { from: windows[0]!.from, to: windows.at(-1)!.to }
  const gaps = await uncovered(store, market, range, from.code)
  const children = await store.candles({ ...market, timeframe: from.code }, { from: range.from, to: range.to - 1 })
  const whole = new Set<number>()
  let gap = 0
  for (const window of windows) {
    while (gap < gaps.length && gaps[gap]!.to <= window.from) gap++
    if (gap === gaps.length || gaps[gap]!.from >= window.to) whole.add(window.from)
    else if (gaps[gap]!.from > window.from || gaps[gap]!.to < window.to) notePartial(counts, window.from)
  }
  const made = rollUp(children, frame).filter(({ time }) => whole.has(time))
  const { written } = await putRows(
    store,
    made.map((candle) => ({ candle, has: { quoteVolume: candle.quoteVolume > 0, trades: candle.trades > 0 } })),
  )
  counts.written += written
  const known = union(windows.filter((window) => whole.has(window.from)))
  await store.cover(known.map((part) => ({ ...market, ...part, series: frame.code, state: 'complete' as const })))
}
