import { knownIntervals } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import { HOUR, MINUTE, openTime, type Timeframe, timeframe } from '../domain/timeframe.ts'
import { newestTime, type TradeBatch } from '../domain/trade.ts'
import type { Store } from '../store/store.ts'

/** An earlier process may have closed its last candles before all their trades had come, or stopped before it stored them. */
const TAIL_MS = 2 * MINUTE
/** No more than this is read before live trades go on; what was left unmade before it is made meanwhile. */
const MOST_MS = HOUR

/** Where an earlier process of this role left a market. */
export interface Tail {
  /** Open time of the newest stored candle, by timeframe. */
  readonly storedTo: ReadonlyMap<string, number>
  /** Its last stored trades as they came, with the holes between them. */
  readonly batches: readonly TradeBatch[]
}

/**
 * The last minutes of a market's stored trades, to be taken in before its first live batch as though this process had
 * seen them. The collector goes on after the last stored trade, so everything before its first batch is stored.
 */
export async function readTail(store: Store, market: MarketId, frames: readonly Timeframe[]): Promise<Tail> {
  const last = await store.lastTrade(market)
  const end = last?.time ?? Number.MAX_SAFE_INTEGER
  const coverage = await store.coverage(market, 'trades', { from: end - MOST_MS, to: Number.MAX_SAFE_INTEGER })
  const known = knownIntervals(coverage)
  const storedTo = await newestCandles(store, market, frames)
  if (!known[0]) return { storedTo, batches: [] }
  const made = frames.filter(({ ms }) => ms > 0 && ms <= MINUTE).map(({ code }) => storedTo.get(code) ?? 0)
  const from = Math.max(openTime(timeframe('1m'), Math.min(...made, end) - TAIL_MS), known[0].from)
  const trades = await store.trades(market, { from, to: Number.MAX_SAFE_INTEGER })
  const batches: TradeBatch[] = []
  let reached = from
  for (const [index, part] of known.entries()) {
    if (part.to <= from) continue
    const begin = Math.max(part.from, from)
    // The newest trade may bear the very time up to which trades are complete.
    const to = index === known.length - 1 ? Number.MAX_SAFE_INTEGER : part.to
    const own = trades.filter(({ time }) => time >= begin && time < to)
    batches.push({
      ...market,
      trades: own,
      upTo: Math.max(part.to, newestTime(own)),
      hole: { from: reached, to: begin },
    })
    reached = part.to
  }
  return { storedTo, batches }
}

async function newestCandles(store: Store, market: MarketId, frames: readonly Timeframe[]) {
  const times = new Map<string, number>()
  for (const { code } of frames) {
    const [last] = await store.candles({ ...market, timeframe: code }, { limit: 1, newest: true })
    if (last) times.set(code, last.time)
  }
  return times
}
