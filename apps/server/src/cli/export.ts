import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { nextOpen } from '../domain/timeframe.ts'
import { exactText, plainText } from '../lib/decimal.ts'
import { failure, isFailure } from '../lib/failure.ts'
import type { Store } from '../store/store.ts'
import { type CommandContext, iso, newCommand, say, withStore } from './context.ts'
import type { History } from './history.ts'
import { addSeriesOptions, openSeries, type SeriesOptions } from './series.ts'
import { plural } from './table.ts'

interface ExportOptions extends SeriesOptions {
  readonly format: 'jsonl' | 'csv'
  readonly output: string
  readonly gaps: boolean
}

const HELP = `
What is written
  One candle a line, in order of time: time (open, ms UTC), open, high, low, close, volume (base), quote_volume,
  trades, closed, source. Numbers are exact decimals. source says where a candle comes from: trades (folded from
  trades), exchange or backfill (the exchange's own), filled (flat: proven that nothing traded).
  Times about which nothing is known have no line; they are told on standard error. With --gaps each candle of them
  has a line of its own, whose figures are empty (null) and whose source is unknown.
  A timeframe that is not stored (45m, 2d) is made of the largest stored one that divides it.

Examples
  candlewire export --exchange binance --symbol BTCUSDT --timeframe 1h --output btc-1h.jsonl
  candlewire export --exchange binance --symbol BTCUSDT --timeframe 45m --from 2024-08-08 --to 2024-08-09 --format csv --output -
`

/** Adds `export`: stored candles as JSON lines or CSV. */
export function addExport(program: Command, context: CommandContext): void {
  addSeriesOptions(newCommand(program, context, 'export'))
    .description('write stored candles of one market to a file or to standard output')
    .addOption(new Option('--format <format>', 'form of the lines').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--gaps', 'write lines for times about which nothing is known', false)
    .option('--output <file>', 'file to write, - for standard output', '-')
    .addHelpText('after', HELP)
    .action((options: ExportOptions) =>
      withStore(context, options.data, async (store) => {
        if (!(await exportCandles(context, store, options))) context.exit(1)
      }),
    )
}

async function exportCandles(context: CommandContext, store: Store, options: ExportOptions): Promise<boolean> {
  const { exchange, symbol, timeframe, output } = options
  const series = await openSeries(context, store, options)
  if (!series) return false
  const { history, range } = series
  const { candles, gaps } = await writeFile(context, output, (target) => writeCandles(target, history, range, options))
  if (candles === 0) {
    say(
      context,
      `There is no ${timeframe.code} candle of ${exchange} ${symbol} from ${iso(range.from)} to ${iso(range.to)}.`,
    )
    return false
  }
  const made = history.source.code === timeframe.code ? '' : `, made of ${history.source.code}`
  say(context, `${plural(candles, 'candle')} of ${timeframe.code} written${made}.`)
  for (const gap of gaps.shown) say(context, `Nothing known from ${iso(gap.from)} to ${iso(gap.to)}.`)
  if (gaps.count > gaps.shown.length) say(context, `${plural(gaps.count - gaps.shown.length, 'more gap')}.`)
  return true
}

async function writeFile<T>(
  context: CommandContext,
  output: string,
  work: (target: Writable) => Promise<T>,
): Promise<T> {
  if (output === '-') return work(context.out)
  const file = createWriteStream(output)
  try {
    await once(file, 'open', { signal: context.signal })
    const result = await work(file)
    file.end()
    await finished(file)
    return result
  } catch (cause) {
    if (context.signal.aborted || isFailure(cause)) throw cause
    throw failure(
      'INVALID_FILE',
      { file: output, reason: cause instanceof Error ? cause.message : String(cause) },
      cause,
    )
  } finally {
    file.destroy()
  }
}

/** Gaps that are told one by one; the others are only counted. */
const TOLD = 20

async function writeCandles(target: Writable, history: History, range: Interval, options: ExportOptions) {
  let candles = 0
  const gaps = { count: 0, shown: [] as Interval[] }
  const lines = linesOf(options)
  if (options.format === 'csv') target.write(`${COLUMNS.join(',')}\n`)
  for await (const page of history.pages(range)) {
    candles += page.candles.length
    for (const gap of page.gaps) addGap(gaps, gap)
    const text = lines(page.candles, page.gaps)
    if (text && !target.write(text)) await once(target, 'drain')
  }
  return { candles, gaps }
}

/** A gap that goes on from the page before is the same gap. */
function addGap(gaps: { count: number; shown: Interval[] }, gap: Interval): void {
  const last = gaps.shown.at(-1)
  if (last?.to === gap.from) gaps.shown[gaps.shown.length - 1] = { from: last.from, to: gap.to }
  else {
    gaps.count++
    if (gaps.shown.length < TOLD) gaps.shown.push(gap)
  }
}

const COLUMNS = 'time open high low close volume quote_volume trades closed source'.split(' ')

/** The columns of a candle as text; numbers are plain decimals, exact. */
const cells = (candle: Candle): string[] => [
  String(candle.time),
  plainText(candle.open),
  plainText(candle.high),
  plainText(candle.low),
  plainText(candle.close),
  exactText(candle.volume, candle.volumeRest),
  exactText(candle.quoteVolume, candle.quoteVolumeRest),
  String(candle.trades),
  String(candle.closed),
  candle.source,
]

/** The lines of candles and, when wanted, of the gaps between them, in order of time. */
function linesOf({ format, gaps: wanted, timeframe: frame }: ExportOptions) {
  const line = format === 'csv' ? csvLine : jsonLine
  const gapLine = format === 'csv' ? csvGap : jsonGap
  return (candles: readonly Candle[], gaps: readonly Interval[]): string => {
    if (!wanted || gaps.length === 0) return candles.map(line).join('')
    const rows = candles.map((candle) => ({ time: candle.time, text: line(candle) }))
    for (const gap of gaps)
      for (let time = gap.from; time < gap.to; time = nextOpen(frame, time)) rows.push({ time, text: gapLine(time) })
    return rows
      .sort((a, b) => a.time - b.time)
      .map(({ text }) => text)
      .join('')
  }
}

const csvGap = (time: number): string => `${time}${','.repeat(COLUMNS.length - 1)}unknown\n`

const jsonGap = (time: number): string => {
  const empty = COLUMNS.slice(1, -1).map((column) => `"${column}":null`)
  return `{"time":${time},${empty.join(',')},"source":"unknown"}\n`
}

const csvLine = (candle: Candle): string => `${cells(candle).join(',')}\n`

const jsonLine = (candle: Candle): string => {
  const fields = cells(candle).map((text, index) => `"${COLUMNS[index]}":${index === 9 ? `"${text}"` : text}`)
  return `{${fields.join(',')}}\n`
}
