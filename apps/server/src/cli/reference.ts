import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import { nextOpen, type Timeframe } from '../domain/timeframe.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { failure } from '../lib/failure.ts'
import type { CommandContext } from './context.ts'
import { type Reading, readAll, sortFiles } from './files.ts'
import { type KlineRow, klineRows } from './readers/klines.ts'
import { namedDay } from './readers/read.ts'

export interface Reference {
  readonly batches: AsyncIterable<readonly KlineRow[]>
  /** What reading came to, for files. */
  readonly reading?: Reading
}

/** Candles of files, in the order of their first row. */
export async function fileReference(
  context: CommandContext,
  market: MarketId,
  frame: Timeframe,
  files: readonly string[],
): Promise<Reference> {
  const compile = (path: string) => klineRows({ ...market, frame, day: namedDay(path) })
  const opened = await sortFiles(context, files, 'klines', compile, ({ candle }) => candle.time)
  const paths = opened.map(({ path }) => path)
  const feed = readAll(context, 'check', paths, 'klines', compile)
  async function* batches(): AsyncGenerator<readonly KlineRow[]> {
    for await (const { items } of feed.batches()) yield items
  }
  return { batches: batches(), reading: feed.reading }
}

/** The exchange's own closed candles by REST, page by page. */
export function restReference(
  client: RestClient,
  market: MarketId,
  frame: Timeframe,
  range: Interval,
  signal: AbortSignal,
): Reference {
  if (!client.exchange.timeframes.includes(frame.code)) {
    const reason = `${market.exchange} has no ${frame.code} candles; name a file with --file`
    throw failure('INVALID_PARAMETER', { name: '--timeframe', reason })
  }
  async function* batches(): AsyncGenerator<readonly KlineRow[]> {
    const limit = client.exchange.limits.candlesPerRequest
    for (let from = range.from; from < range.to; ) {
      const query = { symbol: market.symbol, timeframe: frame.code, from, to: range.to - 1, limit, now: Date.now() }
      const candles = await client.ask(client.exchange.rest.candles(query), { priority: 'backfill', signal })
      const last = candles.at(-1)
      if (!last) return
      yield candles
        .filter(({ closed }) => closed)
        .map((candle) => ({ candle, has: { quoteVolume: candle.quoteVolume > 0, trades: candle.trades > 0 } }))
      from = nextOpen(frame, last.time)
    }
  }
  return { batches: batches() }
}
