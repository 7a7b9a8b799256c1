import type { Candle } from '../domain/candle.ts'
import { type Coverage, covers, type Interval, knownIntervals } from '../domain/coverage.ts'
import { fillQuiet, withoutTraded } from '../domain/fill.ts'
import { rollUp } from '../domain/fold.ts'
import type { MarketId } from '../domain/market.ts'
import { bySize, divides, nextOpen, openTime, roughMs, type Timeframe, timeframe } from '../domain/timeframe.ts'
import { firstTraded } from '../domain/traded.ts'
import type { Store } from '../store/store.ts'

/** Candles of one series in `[from, to)`: stored, rolled up or flat; and the intervals about which nobody can say. */
interface HistoryPage extends Interval {
  readonly candles: readonly Candle[]
  readonly gaps: readonly Interval[]
}

export interface History extends Interval {
  /** The stored timeframe that the candles are read or made from. */
  readonly source: Timeframe
  readonly pages: (range: Interval) => AsyncGenerator<HistoryPage>
}

/** Source candles a page. */
const PAGE = 5_000

/**
 * What the store knows of one market in any timeframe: the stored candles, or else a roll-up of the largest stored
 * timeframe that divides it; flat candles where coverage proves that nothing traded. Undefined when nothing is stored.
 */
export async function openHistory(store: Store, market: MarketId, frame: Timeframe): Promise<History | undefined> {
  const stored = (await store.series()).filter(
    ({ exchange, symbol }) => exchange === market.exchange && symbol === market.symbol,
  )
  const frames = stored.map((series) => timeframe(series.timeframe)).sort(bySize)
  const source = frames.find(({ code }) => code === frame.code) ?? frames.findLast((smaller) => divides(smaller, frame))
  const series = stored.find((row) => row.timeframe === source?.code)
  if (!source || !series) return undefined

  const everything = { from: openTime(frame, series.first), to: nextOpen(source, series.last) }
  const known = knownIntervals(
    await coverageOf(store, market, frame, source, { from: everything.from, to: Date.UTC(2200) }),
  )
  const reach = known.find(({ from, to }) => from <= everything.to && to > everything.to)?.to ?? everything.to
  const aligned = openTime(frame, reach)
  const to = aligned >= everything.to ? aligned : nextOpen(frame, openTime(frame, everything.to - 1))

  async function* pages(range: Interval): AsyncGenerator<HistoryPage> {
    const read = pageReader(store, market, frame, source!, frames)
    const step = Math.max(1, Math.floor((PAGE * roughMs(source!)) / roughMs(frame)))
    const first = openTime(frame, range.from)
    let from = first < range.from ? nextOpen(frame, first) : first
    let close = await closeBefore(store, market, source!, frame, from)
    while (from < range.to) {
      let end = from
      for (let n = 0; n < step && end < range.to; n++) end = nextOpen(frame, end)
      const candles = await read({ from, to: end }, close)
      yield { from, to: end, candles, gaps: gapsOf(frame, { from, to: end }, candles) }
      const last = candles.at(-1)
      close = last && nextOpen(frame, last.time) === end ? last.close : undefined
      from = end
    }
  }
  return { from: everything.from, to, source, pages }
}

function pageReader(store: Store, market: MarketId, frame: Timeframe, source: Timeframe, frames: readonly Timeframe[]) {
  return async (range: Interval, close: number | undefined): Promise<readonly Candle[]> => {
    const coverage = await coverageOf(store, market, frame, source, range)
    const rows = await store.candles({ ...market, timeframe: source.code }, { from: range.from, to: range.to - 1 })
    const candles = source.code === frame.code ? rows : wholeRollUp(rows, coverage, source, frame)
    const filled = fillQuiet(candles, coverage, frame, range.from, range.to, close)
    return withoutTraded(filled, frame, (stretch) => firstTraded(store, market, frame, frames, stretch))
  }
}

/** Whole means: coverage says so, or every smaller candle is there. */
function wholeRollUp(
  rows: readonly Candle[],
  coverage: readonly Coverage[],
  source: Timeframe,
  frame: Timeframe,
): Candle[] {
  const present = rows.map(({ time }) => ({ from: time, to: nextOpen(source, time), state: 'complete' as const }))
  const known = knownIntervals([...coverage, ...present.map((part) => ({ ...rows[0]!, series: source.code, ...part }))])
  return rollUp(rows, frame).filter(({ time }) => covers(known, time, nextOpen(frame, time)))
}

async function coverageOf(
  store: Store,
  market: MarketId,
  frame: Timeframe,
  source: Timeframe,
  range: Interval,
): Promise<Coverage[]> {
  const series = new Set(['trades', frame.code, source.code])
  return (await Promise.all([...series].map((name) => store.coverage(market, name, range)))).flat()
}

/** The last price before `time`, if nothing can have traded since. */
async function closeBefore(
  store: Store,
  market: MarketId,
  source: Timeframe,
  frame: Timeframe,
  time: number,
): Promise<number | undefined> {
  const query = { to: time - 1, limit: 1, newest: true }
  const [last] = await store.candles({ ...market, timeframe: source.code }, query)
  if (!last) return undefined
  const end = nextOpen(source, last.time)
  if (end >= time) return last.close
  const known = knownIntervals(await coverageOf(store, market, frame, source, { from: end, to: time }))
  return covers(known, end, time) ? last.close : undefined
}

function gapsOf(frame: Timeframe, range: Interval, candles: readonly Candle[]): Interval[] {
  const gaps: Interval[] = []
  let from = range.from
  for (const { time } of candles) {
    if (time > from) gaps.push({ from, to: time })
    from = nextOpen(frame, time)
  }
  if (from < range.to) gaps.push({ from, to: range.to })
  return gaps
}
