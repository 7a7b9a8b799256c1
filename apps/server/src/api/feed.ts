import type { CoverageNotice } from '@candlewire/protocol'
import type { Batch, Bus, Filled, Gap, Topic } from '../bus/bus.ts'
import type { Candle } from '../domain/candle.ts'
import type { TradeBatch } from '../domain/trade.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { FeedBoard } from './board.ts'
import type { Hub } from './live/hub.ts'
import type { LiveState } from './state.ts'

export interface FeedDeps {
  readonly bus: Bus
  readonly hub: Hub
  readonly state: LiveState
  readonly board: FeedBoard
  readonly metrics: Metrics
  readonly now: () => number
  /** A closed candle came or changed. */
  readonly onClosed: (candle: Candle) => void
  /** A stretch of history was written to the store. */
  readonly onFilled: (filled: Filled) => void
  /** What is known of a stretch has changed; of all timeframes, or of those from `timeframe` on. */
  readonly onCoverage: (stretch: Gap & { timeframe?: string }, status: CoverageNotice['status']) => void
}

/** Takes what the API shows from the bus until the signal aborts. Every reader is there once this returns. */
export function followBus(deps: FeedDeps, signal: AbortSignal): Promise<void> {
  const { bus, hub, state, board } = deps

  const takeCandle = (candle: Candle) => {
    if (!state.takeCandle(candle)) return
    if (candle.closed) deps.onClosed(candle)
    hub.publishCandle(candle)
  }
  const takeTrades = (batch: TradeBatch) => {
    if (batch.hole && batch.hole.from > 0 && batch.hole.from < batch.hole.to)
      deps.onCoverage({ ...batch, ...batch.hole }, 'unknown')
    for (const trade of batch.trades) {
      state.takeTrade(trade, trade)
      hub.publishTrade(trade)
    }
    const last = batch.trades.at(-1)
    if (last) deps.metrics.latency.observe({ stage: 'live' }, Math.max(0, deps.now() - last.received) / 1000)
  }
  const takeFilled = (filled: Filled) => {
    deps.onFilled(filled)
    if (filled.candles > 0) deps.onCoverage(filled, 'repaired')
  }
  const follow = <T extends Topic>(topic: T, take: (event: Batch<T>[number]) => void): Promise<void> =>
    readAll(bus.subscribe(topic, 'api', signal), take)

  const readers = [
    follow('candles', takeCandle),
    follow('trades', takeTrades),
    follow('tickers', (ticker) => state.takeTicker(ticker, { price: ticker.last, time: ticker.time })),
    follow('feed', board.take),
    follow('filled', takeFilled),
    follow('gaps', (gap) => deps.onCoverage(gap, 'unknown')),
  ]
  return Promise.all(readers).then(() => undefined)
}

async function readAll<E>(batches: AsyncIterable<readonly E[]>, take: (event: E) => void): Promise<void> {
  for await (const batch of batches) for (const event of batch) take(event)
}
