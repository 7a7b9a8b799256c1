import { type Candle, seriesKey } from '../../domain/candle.ts'
import { type Coverage, covers, type Interval, knownIntervals } from '../../domain/coverage.ts'
import { rollUp } from '../../domain/fold.ts'
import { union } from '../../domain/intervals.ts'
import type { MarketId } from '../../domain/market.ts'
import { bySize, divides, nextOpen, openTime, roughMs, type Timeframe, timeframe } from '../../domain/timeframe.ts'
import { firstTraded } from '../../domain/traded.ts'
import { failure } from '../../lib/failure.ts'
import type { CandleRange, Series, Store } from '../../store/store.ts'
import type { LiveState } from '../state.ts'

/** Coverage and closed candles of the last moments may still be on their way to the store, ms. */
export const SETTLING = 10_000
/** Candles read at most to roll up one answer. */
const READ_AT_MOST = 100_000

/** Closed and forming candles of one series, whether it is kept or rolled up from a smaller one. */
export interface Source {
  readonly market: MarketId
  /** Its key (`domain/candle.ts`). */
  readonly series: string
  readonly frame: Timeframe
  /** Whether the series itself is kept; else it is rolled up for each answer. */
  readonly kept: boolean
  /** Answers hold at most this many candles. */
  readonly maxCandles: number
  /** Closed candles, ascending. */
  closed(range: CandleRange): Promise<Candle[]>
  /** Not closed yet, ascending. */
  forming(): Promise<readonly Candle[]>
  /** When something first traded in a stretch, by the stored trades and smaller candles, ms. */
  firstTrade(stretch: Interval): Promise<number | undefined>
  /** What is known of the series: of trades and of every kept timeframe it can be made of. */
  coverage(range: Interval): Promise<Coverage[]>
}

export interface SourceDeps {
  readonly store: Store
  readonly state: LiveState
  /** Kept timeframes. */
  readonly timeframes: readonly string[]
  readonly now: () => number
}

/** Throws `INVALID_PARAMETER` for a timeframe that is neither kept nor made of a kept one. */
export function createSource(market: MarketId, code: string, deps: SourceDeps): Source {
  const frame = timeframe(code)
  const key = seriesKey({ ...market, timeframe: code })
  const kept = deps.timeframes.includes(code)
  const parts = deps.timeframes.map(timeframe).filter((small) => small.code === code || divides(small, frame))
  const coverage = async (range: Interval): Promise<Coverage[]> => {
    const series = ['trades', ...parts.map((part) => part.code)]
    return (await Promise.all(series.map((name) => deps.store.coverage(market, name, range)))).flat()
  }
  const firstTrade = (stretch: Interval) => firstTraded(deps.store, market, frame, parts, stretch)
  if (kept) {
    const series = { ...market, timeframe: code }
    const closed = (range: CandleRange) => closedCandles(series, range, deps)
    return {
      market,
      series: key,
      frame,
      kept,
      maxCandles: READ_AT_MOST,
      closed,
      coverage,
      firstTrade,
      forming: async () => deps.state.forming(series),
    }
  }
  const small = parts.sort(bySize).at(-1)
  const ratio = small ? Math.ceil(roughMs(frame) / roughMs(small)) : Infinity
  if (!small || ratio > READ_AT_MOST) {
    throw failure('INVALID_PARAMETER', { name: 'interval', reason: `${code} is not kept, nor made of a kept one` })
  }
  const maxCandles = Math.floor(READ_AT_MOST / ratio)
  return {
    market,
    series: key,
    frame,
    kept,
    maxCandles,
    coverage,
    firstTrade,
    ...rolled({ ...market, timeframe: small.code }, frame, ratio, coverage, deps),
  }
}

async function closedCandles(series: Series, range: CandleRange, { store, state }: SourceDeps): Promise<Candle[]> {
  const { from = -Infinity, to = Infinity, limit = Infinity, newest } = range
  const stored = await store.candles(series, range)
  const recent = state.recent(series).filter(({ time }) => time >= from && time <= to)
  if (recent.length === 0) return stored
  const byTime = new Map(stored.map((candle) => [candle.time, candle]))
  for (const candle of recent) {
    const known = byTime.get(candle.time)
    if (!known || known.revision < candle.revision) byTime.set(candle.time, candle)
  }
  const merged = [...byTime.values()].sort((a, b) => a.time - b.time)
  return newest ? merged.slice(Math.max(0, merged.length - limit)) : merged.slice(0, limit)
}

function rolled(
  small: Series,
  frame: Timeframe,
  ratio: number,
  coverage: Source['coverage'],
  deps: SourceDeps,
): Pick<Source, 'closed' | 'forming'> {
  const smallFrame = timeframe(small.timeframe)

  /** A candle is closed when the smaller ones have gone past its end, or surely should have. */
  const isClosed = (end: number, last: Candle | undefined): boolean => {
    const reached = last ? nextOpen(smallFrame, last.time) : 0
    const frontier = Math.max(reached, deps.state.forming(small)[0]?.time ?? 0)
    return end <= frontier || end + SETTLING <= deps.now()
  }

  /** Candles of which no part is unknown. What has just closed may not be covered yet. */
  async function wholeOf(large: readonly Candle[], rows: readonly Candle[]): Promise<Candle[]> {
    const [first, last] = [large[0], large.at(-1)]
    if (!first || !last) return []
    const range = { from: first.time, to: nextOpen(frame, last.time) }
    const present = rows.map(({ time }) => ({ from: time, to: nextOpen(smallFrame, time) }))
    const known = union([...present, ...knownIntervals(await coverage(range))])
    return large.filter(({ time }) => {
      const end = nextOpen(frame, time)
      return end + SETTLING > deps.now() || covers(known, time, end)
    })
  }

  return {
    async closed({ from, to, limit = Infinity, newest = false }) {
      const room = limit * ratio + ratio
      const rows = await closedCandles(
        small,
        {
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to: nextOpen(frame, openTime(frame, to)) - 1 }),
          ...(Number.isFinite(room) && { limit: room }),
          newest,
        },
        deps,
      )
      const cut = rows.length === room
      const made = rollUp(rows, frame).filter((candle) => isClosed(nextOpen(frame, candle.time), rows.at(-1)))
      const large = await wholeOf(made, rows)
      if (newest) return (cut ? large.slice(1) : large).slice(-Math.min(limit, large.length || 1))
      return (cut ? large.slice(0, -1) : large).slice(0, limit)
    },
    async forming() {
      const live = deps.state.forming(small)
      const from = openTime(frame, Math.min(live[0]?.time ?? Infinity, deps.now()))
      const rows = await closedCandles(small, { from }, deps)
      return rollUp([...rows, ...live], frame)
        .filter(({ time }) => !isClosed(nextOpen(frame, time), rows.at(-1)))
        .map((candle) => ({ ...candle, closed: false }))
    },
  }
}
