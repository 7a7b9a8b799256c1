import type { Command } from 'commander'
import type { Interval } from '../domain/coverage.ts'
import type { Timeframe } from '../domain/timeframe.ts'
import { failure } from '../lib/failure.ts'
import type { Store } from '../store/store.ts'
import { type CommandContext, exchangeOption, readTime, readTimeframe, say, symbolOption } from './context.ts'
import { type History, openHistory } from './history.ts'

/** What a command about one series is told. */
export interface SeriesOptions {
  readonly exchange: string
  readonly symbol: string
  readonly timeframe: Timeframe
  readonly from?: number
  readonly to?: number
  readonly data: string
}

/** The options that name one series and a stretch of it. */
export const addSeriesOptions = (command: Command): Command =>
  command
    .addOption(exchangeOption())
    .addOption(symbolOption())
    .requiredOption('--timeframe <code>', 'any timeframe, stored or not', readTimeframe)
    .option('--from <time>', 'first open time, ISO or ms (default: the first stored candle)', readTime)
    .option('--to <time>', 'end, exclusive, ISO or ms (default: after the last stored candle)', readTime)

/**
 * The series and the stretch that are asked for; undefined, and said so, when nothing is stored of it.
 * Rejects with `INVALID_RANGE`.
 */
export async function openSeries(
  context: CommandContext,
  store: Store,
  { exchange, symbol, timeframe, from, to }: SeriesOptions,
): Promise<{ history: History; range: Interval } | undefined> {
  const history = await openHistory(store, { exchange, symbol }, timeframe)
  if (!history) {
    say(context, `Nothing is stored of ${exchange} ${symbol} from which ${timeframe.code} could be made.`)
    return undefined
  }
  const range = { from: from ?? history.from, to: to ?? history.to }
  if (range.from > range.to) throw failure('INVALID_RANGE', {})
  return { history, range }
}
