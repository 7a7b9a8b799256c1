import type { Candle } from './candle.ts'
import type { Interval } from './coverage.ts'
import { counts } from './fold.ts'
import type { MarketId } from './market.ts'
import { divides, MINUTE, type Timeframe } from './timeframe.ts'
import type { Trade } from './trade.ts'

/** What is read of a store: ascending, the earliest `limit`. Trades of `[from, to)`, candles with both ends. */
interface Reads {
  readonly trades: (market: MarketId, range: Interval & { limit: number }) => Promise<Trade[]>
  readonly candles: (series: MarketId & { timeframe: string }, range: Interval & { limit: number }) => Promise<Candle[]>
}

/** Candles looked at by one read: flat ones of an exchange may come first. */
const PAGE = 500

/**
 * When something first traded in a stretch, ms: by the stored trades, and by the stored candles of the timeframes among
 * `frames` that `frame` is made of. Either may reach the store before the candle of `frame` does.
 */
export async function firstTraded(
  store: Reads,
  market: MarketId,
  frame: Timeframe,
  frames: readonly Timeframe[],
  stretch: Interval,
): Promise<number | undefined> {
  const trade = (await store.trades(market, { ...stretch, limit: 1 })).find(counts)
  const found = trade ? [trade.time] : []
  for (const part of frames) {
    // Shorter ones are made of the same trades, and never come alone.
    if (part.code === frame.code || part.ms < MINUTE || !divides(part, frame)) continue
    const time = await firstCandle(store, { ...market, timeframe: part.code }, stretch)
    if (time !== undefined) found.push(time)
  }
  return found.length > 0 ? Math.min(...found) : undefined
}

async function firstCandle(
  store: Reads,
  series: MarketId & { timeframe: string },
  stretch: Interval,
): Promise<number | undefined> {
  for (let from = stretch.from; from < stretch.to; ) {
    const page = await store.candles(series, { from, to: stretch.to - 1, limit: PAGE })
    const traded = page.find(({ volume }) => volume > 0)
    const last = page.at(-1)
    if (traded || !last || page.length < PAGE) return traded?.time
    from = last.time + 1
  }
  return undefined
}
