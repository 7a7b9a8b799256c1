import { access } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { MarketId } from '../domain/market.ts'
import type { Timeframe } from '../domain/timeframe.ts'
import { failure } from '../lib/failure.ts'
import type { Store } from '../store/store.ts'
import {
  type CommandContext,
  exchangeOption,
  newCommand,
  readTimeframe,
  say,
  symbolOption,
  timeframesOption,
  withStore,
} from './context.ts'
import { type Opened, type Reading, readAll, readingNotes, sortFiles } from './files.ts'
import { importKlines, inferFrame } from './importKlines.ts'
import { importTrades } from './importTrades.ts'
import type { Kind } from './readers/columns.ts'
import { type KlineRow, klineRows } from './readers/klines.ts'
import { namedDay } from './readers/read.ts'
import { tradeRows } from './readers/trades.ts'
import { klineSummary, tradeSummary } from './summary.ts'

interface ImportOptions {
  readonly exchange: string
  readonly symbol: string
  readonly kind: Kind
  readonly timeframe?: Timeframe
  readonly timeframes: readonly Timeframe[]
  readonly whole: boolean
  readonly sparse: boolean
  readonly data: string
}

const HELP = `
What is read
  --kind trades     single fills: Binance archives (id, price, qty, quoteQty, time, isBuyerMaker, isBestMatch)
  --kind aggTrades  aggregated fills: Binance archives (a, p, q, f, l, T, m, M)
  --kind klines     candles: Binance archives (12 columns), or time, open, high, low, close, volume
  Each as CSV with or without a header, as a JSON array, as JSON lines (raw, or of ccxt), or as a capture of stream
  frames ("<receive time> <frame>" a line); plain, .gz or .zip. Times may be ISO text, s, ms, us or ns.
  Files may be given in any order. Rows that can't be read are shown, counted and left out; the exit code is then 1.

Which candles are written
  Only those that the trades cover whole. Ids that jump leave a hole; candles it touches are left out and counted.
  The first and the last candle of a recording are whole when one of these holds:
    the file is named for its day or month (BTCUSDT-trades-2024-08-08.zip, BTCUSDT-trades-2024-08.zip);
    --whole says that the files hold whole UTC days;
    an archive begins (or ends) within 60 s after (or before) midnight UTC, as a quiet market's day does
      (not so for live recordings, whose rows carry the time of their arrival);
    the store holds trades whose ids lead up to it, or go on from it: import the days in any order.
  All others are left out and counted in the summary.
  Larger candles are made of klines only where no row is missing. Some files leave out the times in which nothing
  traded, and exchanges those in which they were halted: --sparse says so, and larger candles are made of the rows
  that are there. Files named for a day whose times count from midnight (20161007_btcusd_second_trade.csv) are so.
  Rows of klines never replace a candle that was folded from trades; see "check" to compare the two.

Examples
  candlewire import --exchange binance --symbol BTCUSDT --kind trades BTCUSDT-trades-2024-08-*.zip
  candlewire import --exchange binance --symbol BTCUSDT --kind aggTrades --whole monday.csv.gz tuesday.csv.gz
  candlewire import --exchange binance --symbol BTCUSDT --kind klines --timeframe 1m BTCUSDT-1m-2024-08.zip
`

/** Adds `import`: trades and candles of files into the store. */
export function addImport(program: Command, context: CommandContext): void {
  newCommand(program, context, 'import')
    .description('put trades or candles of files into the store, and build the candles of every timeframe')
    .argument('<files...>', 'files, in any order')
    .addOption(exchangeOption())
    .addOption(symbolOption())
    .addOption(
      new Option('--kind <kind>', 'what the files hold')
        .choices(['trades', 'aggTrades', 'klines'])
        .makeOptionMandatory(),
    )
    .option('--timeframe <code>', 'timeframe of klines; found by the distance of the rows when absent', readTimeframe)
    .addOption(timeframesOption())
    .option('--whole', 'the files hold whole UTC days, from midnight to midnight', false)
    .option('--sparse', 'klines: rows are missing where nothing traded, or where the exchange was halted', false)
    .addHelpText('after', HELP)
    .action((files: string[], options: ImportOptions) =>
      withStore(context, options.data, async (store) => {
        await Promise.all(files.map(mustExist))
        const clean = await (options.kind === 'klines' ? runKlines : runTrades)(context, store, files, options)
        if (!clean) context.exit(1)
      }),
    )
}

async function mustExist(file: string): Promise<void> {
  await access(file).catch((cause) => {
    throw failure('INVALID_FILE', { file, reason: 'there is no such file' }, cause)
  })
}

const marketOf = ({ exchange, symbol }: ImportOptions): MarketId => ({ exchange, symbol })
const isClean = ({ bad, brokenFiles }: Reading): boolean => bad === 0 && brokenFiles === 0

async function runTrades(
  context: CommandContext,
  store: Store,
  files: readonly string[],
  options: ImportOptions,
): Promise<boolean> {
  const kind = options.kind === 'aggTrades' ? 'aggTrades' : 'trades'
  const market = marketOf(options)
  const compile = (path: string) => tradeRows({ ...market, kind, day: namedDay(path) })
  const opened = await sortFiles(context, files, kind, compile, ({ time }) => time)
  const paths = opened.map(({ path }) => path)
  const feed = readAll(context, 'import', paths, kind, compile)
  const started = performance.now()
  const report = await importTrades({ store, market, frames: options.timeframes, feed, whole: options.whole })
  say(context, tradeSummary(report, feed.reading, performance.now() - started))
  for (const note of readingNotes(feed.reading)) say(context, note)
  return isClean(feed.reading) && report.trades > 0
}

async function runKlines(
  context: CommandContext,
  store: Store,
  files: readonly string[],
  options: ImportOptions,
): Promise<boolean> {
  const market = marketOf(options)
  const compile = (frame?: Timeframe) => (path: string) => klineRows({ ...market, frame, day: namedDay(path) })
  const opened = await sortFiles(context, files, 'klines', compile(), ({ candle }) => candle.time)
  const frame = options.timeframe ?? inferOf(opened)
  if (!frame) {
    const reason = 'the distance of the rows is no timeframe; say which one it is'
    throw failure('INVALID_PARAMETER', { name: '--timeframe', reason })
  }
  const paths = opened.map(({ path }) => path)
  const feed = readAll(context, 'import', paths, 'klines', compile(frame))
  const started = performance.now()
  const ofDays = paths.every((path) => namedDay(path) !== undefined)
  const sparse = options.sparse || ofDays
  const whole = options.whole || ofDays
  const report = await importKlines({ store, market, frame, frames: options.timeframes, feed, sparse, whole })
  say(context, klineSummary(report, feed.reading, frame, performance.now() - started))
  for (const note of readingNotes(feed.reading)) say(context, note)
  return isClean(feed.reading) && report.covered !== undefined
}

/** The timeframe of the file that showed most rows. */
function inferOf(opened: readonly Opened<KlineRow>[]): Timeframe | undefined {
  const [most] = [...opened].sort((a, b) => b.sample.length - a.sample.length)
  return most && inferFrame(most.sample, most.path)
}
