import type { Candle } from '../domain/candle.ts'
import type { Coverage, Interval } from '../domain/coverage.ts'
import { subtract } from '../domain/intervals.ts'
import type { MarketId } from '../domain/market.ts'
import { DAY, MINUTE, nextOpen, type Timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import { tradedDays, unfinishedDay, writeLedgerDay } from '../record/ledger.ts'
import type { Store } from '../store/store.ts'
import { createExtent, type Extent, type Hole } from './extent.ts'
import type { Feed } from './files.ts'
import { createLadder } from './ladder.ts'
import { rebuild, uncovered } from './rebuild.ts'

/** Candles of one timeframe: written, and left out because the trades do not cover them whole. */
export interface FrameCount {
  written: number
  partial: number
  /** Open times of the first and the last one left out, ms. */
  firstPartial?: number
  lastPartial?: number
}

export interface TradeReport {
  readonly trades: number
  readonly duplicates: number
  readonly misplaced: number
  readonly quarantined: number
  readonly holes: readonly Hole[]
  /** What the trades cover, ms, apart from the holes; undefined when there were none. */
  readonly covered: Interval | undefined
  readonly candles: ReadonlyMap<string, FrameCount>
}

export interface TradeImport {
  readonly store: Store
  readonly market: MarketId
  readonly frames: readonly Timeframe[]
  readonly feed: Feed<Trade>
  /** The files hold whole UTC days. */
  readonly whole: boolean
}

/** Stores the trades of the files, what they cover, and the candles of every timeframe that they cover whole. */
export async function importTrades(options: TradeImport): Promise<TradeReport> {
  const { store, market, frames, feed } = options
  const extent = createExtent(options.whole, (path) => feed.reading.finished.has(path))
  const before = await store.lastTrade(market)
  const { tally, candles, late, closeUntil } = await streamTrades(options, extent)
  const covered = extent.covered()
  const report = { ...tally, misplaced: extent.misplaced(), holes: extent.holes(), covered, candles }
  if (!covered) return report
  await closeUntil(covered.to)
  await coverTrades(store, market, covered, extent.holes())
  await joinNeighbours(store, market, extent, before)
  await rebuild(store, market, frames, late)
  await mendEdges(options, covered, candles)
  await writeLedger(store, market, covered)
  return report
}

async function streamTrades({ store, market, frames, feed }: TradeImport, extent: Extent) {
  const tally = { trades: 0, duplicates: 0, quarantined: 0 }
  const candles = new Map(frames.map(({ code }): [string, FrameCount] => [code, { written: 0, partial: 0 }]))
  const late = new Set<number>()
  let ready: Candle[] = []
  const ladder = createLadder(market, frames, (candle, end) => {
    if (candle.time < extent.from()) return
    const counts = candles.get(candle.timeframe)!
    if (extent.holed(candle.time, end)) return notePartial(counts, candle.time)
    counts.written++
    ready.push(candle)
  })
  const takeReady = (): Candle[] => {
    const taken = ready
    ready = []
    return taken
  }
  let order = 0
  let writing = Promise.resolve()
  for await (const batch of feed.batches()) {
    const kept: Trade[] = []
    for (const trade of batch.items) {
      if (!extent.take(trade, batch)) tally.duplicates++
      else if (trade.price === 0 || trade.quantity === 0) tally.quarantined++
      else {
        kept.push(trade)
        order = typeof trade.id === 'number' ? trade.id : order + 1
        if (!ladder.add(trade, order)) late.add(trade.time)
      }
    }
    extent.batchEnd(batch)
    tally.trades += kept.length
    await writing
    writing = write(store, kept, takeReady())
    // A failed write is met at the next turn or below; until then it must not count as unhandled.
    writing.catch(() => undefined)
  }
  await writing
  const closeUntil = async (time: number): Promise<void> => {
    ladder.closeUntil(time)
    await write(store, [], takeReady())
  }
  return { tally, candles, late, closeUntil }
}

/** A row for each finished day that the files reach. */
async function writeLedger(store: Store, market: MarketId, covered: Interval): Promise<void> {
  const now = Date.now()
  const range = { from: covered.from - (covered.from % DAY), to: Math.min(covered.to, unfinishedDay(now)) }
  for (const day of await tradedDays(store, market, range)) await writeLedgerDay(store, market, day, now)
}

async function write(store: Store, trades: readonly Trade[], candles: readonly Candle[]): Promise<void> {
  if (trades.length) await store.putTrades(trades)
  if (candles.length) await store.putCandles(candles)
}

export function notePartial(counts: FrameCount, open: number): void {
  counts.partial++
  counts.firstPartial = Math.min(open, counts.firstPartial ?? open)
  counts.lastPartial = Math.max(open, counts.lastPartial ?? open)
}

/** A hole of these files never hides what an earlier import knows. */
async function coverTrades(store: Store, market: MarketId, covered: Interval, holes: readonly Hole[]): Promise<void> {
  const row = ({ from, to }: Interval, state: Coverage['state']): Coverage => ({
    ...market,
    series: 'trades',
    from,
    to,
    state,
  })
  const unknown: Interval[] = []
  for (const { from, to } of holes) unknown.push(...(await uncovered(store, market, { from, to })))
  await store.cover([
    ...subtract([covered], holes).map((part) => row(part, 'complete')),
    ...unknown.map((part) => row(part, 'unknown')),
  ])
}

/** Ids that go on from, or lead up to, trades stored earlier prove that nothing lies between. */
async function joinNeighbours(
  store: Store,
  market: MarketId,
  extent: Extent,
  before: Trade | undefined,
): Promise<void> {
  const [first, last] = [extent.first(), extent.last()]
  if (!first || !last) return
  const near = await store.trades(market, { from: first.time - MINUTE, to: first.time + 1 })
  const previous = [...(before ? [before] : []), ...near].find((trade) => leadsTo(trade, first))
  const after = await store.trades(market, { from: last.time, to: last.time + DAY, limit: 100 })
  const next = after.find((trade) => leadsTo(last, trade))
  const joints = [
    ...(previous ? [{ from: previous.time, to: first.time + 1 }] : []),
    ...(next ? [{ from: last.time, to: next.time + 1 }] : []),
  ].filter(({ from, to }) => from < to)
  if (joints.length)
    await store.cover(joints.map((part) => ({ ...market, ...part, series: 'trades', state: 'complete' as const })))
}

const leadsTo = (trade: Trade, next: Trade): boolean =>
  typeof trade.id === 'number' && trade.id + trade.count === next.id && trade.time <= next.time

/** The candles at either end may become whole with what the store knows of the time before and after. */
async function mendEdges(
  { store, market, frames }: TradeImport,
  { from, to }: Interval,
  candles: Map<string, FrameCount>,
): Promise<void> {
  const results = await rebuild(store, market, frames, [from, to - 1])
  for (const frame of frames) {
    const isEdge = (open: number): boolean => open < from || nextOpen(frame, open) > to
    const counts = candles.get(frame.code)!
    const { made, partial } = results.get(frame.code)!
    counts.written += made.filter(isEdge).length
    for (const open of partial.filter(isEdge)) notePartial(counts, open)
  }
}
