import { type Command, InvalidArgumentError } from 'commander'
import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { nextOpen, type Timeframe } from '../domain/timeframe.ts'
import { failure } from '../lib/failure.ts'
import type { Store } from '../store/store.ts'
import { compareCandles, type Difference } from './compare.ts'
import {
  type CommandContext,
  exchangeOption,
  iso,
  newCommand,
  readTime,
  readTimeframe,
  say,
  symbolOption,
  withStore,
} from './context.ts'
import { readingNotes } from './files.ts'
import { type History, openHistory } from './history.ts'
import type { KlineRow } from './readers/klines.ts'
import { fileReference, type Reference, restReference } from './reference.ts'
import { plural, table } from './table.ts'

interface CheckOptions {
  readonly exchange: string
  readonly symbol: string
  readonly timeframe: Timeframe
  readonly from?: number
  readonly to?: number
  readonly file?: readonly string[]
  readonly relative: number
  readonly limit: number
  readonly json: boolean
  readonly data: string
}

const HELP = `
What is compared
  Every candle of ours in the time that we have stored (or --from to --to) with the reference's, exactly: open, high,
  low, close, volume, quote volume and number of trades, as far as the reference carries them. The reference is the
  exchange itself (by REST), or files in any of the forms that "import --kind klines" reads.
  A flat row of the reference equals an interval of ours in which, proven, nothing traded.
  The exit code is 0 when all are equal, 1 when some are not or nothing could be compared, 2 when the check could not run.

Examples
  candlewire check --exchange binance --symbol BTCUSDT --timeframe 1m --from 2024-08-08 --to 2024-08-09
  candlewire check --exchange binance --symbol BTCUSDT --timeframe 1m --file BTCUSDT-1m-2024-08.zip
  candlewire check --exchange binance --symbol BTCUSDT --timeframe 4h --file 4h.json.gz --relative 1e-9 --json
`

/** Adds `check`: stored candles against the exchange's own. */
export function addCheck(program: Command, context: CommandContext): void {
  newCommand(program, context, 'check')
    .description("compare stored candles with the exchange's own, or with those of files")
    .addOption(exchangeOption())
    .addOption(symbolOption())
    .requiredOption('--timeframe <code>', 'any timeframe, stored or not', readTimeframe)
    .option('--from <time>', 'first open time, ISO or ms (default: the first stored candle)', readTime)
    .option('--to <time>', 'end, exclusive, ISO or ms (default: after the last stored candle)', readTime)
    .option('--file <files...>', 'compare with the candles of these files')
    .option('--relative <share>', 'how far volumes may lie apart, for files that carry fewer digits', readShare, 0)
    .option('--limit <n>', 'differences to show', readLimit, 50)
    .option('--json', 'write the result as one JSON object', false)
    .addHelpText('after', HELP)
    .action((options: CheckOptions) =>
      withStore(context, options.data, async (store) => {
        if (!(await check(context, store, options))) context.exit(1)
      }),
    )
}

function readShare(text: string): number {
  const share = Number(text)
  if (!(share >= 0 && share < 1)) throw new InvalidArgumentError('A share is a number from 0 to 1, e.g. 1e-9.')
  return share
}

function readLimit(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('A whole number.')
  return Number(text)
}

async function check(context: CommandContext, store: Store, options: CheckOptions): Promise<boolean> {
  const { exchange, symbol, timeframe, json } = options
  const market = { exchange, symbol }
  const history = await openHistory(store, market, timeframe)
  if (!history) {
    say(context, `Nothing is stored of ${exchange} ${symbol} from which ${timeframe.code} could be made.`)
    return false
  }
  const range = { from: options.from ?? history.from, to: options.to ?? history.to }
  if (range.from > range.to) throw failure('INVALID_RANGE', {})
  const reference = options.file
    ? await fileReference(context, market, timeframe, options.file)
    : restReference(context.restClient(exchange), market, timeframe, range, context.signal)
  const result = await compareAll(history, reference, range, options)
  for (const note of reference.reading ? readingNotes(reference.reading) : []) say(context, note)
  context.out.write(json ? `${JSON.stringify({ ...market, timeframe: timeframe.code, ...result })}\n` : text(result))
  const unread = (reference.reading?.bad ?? 0) + (reference.reading?.brokenFiles ?? 0)
  return result.compared > 0 && result.equal === result.compared && result.missing + result.extra + unread === 0
}

interface Result {
  compared: number
  equal: number
  /** Candles of the reference that we lack, and the other way round. */
  missing: number
  extra: number
  /** Rows of the reference outside the time that is compared. */
  outside: number
  readonly differences: Difference[]
}

async function compareAll(
  history: History,
  { batches }: Reference,
  range: Interval,
  { timeframe, relative, limit }: CheckOptions,
): Promise<Result> {
  const result: Result = { compared: 0, equal: 0, missing: 0, extra: 0, outside: 0, differences: [] }
  const show = (found: readonly Difference[]): void => {
    result.differences.push(...found.slice(0, Math.max(0, limit - result.differences.length)))
  }
  let reached: number | undefined
  for await (const batch of batches) {
    const rows = batch.filter(({ candle: { time } }) => time >= range.from && time < range.to).sort(byTime)
    result.outside += batch.length - rows.length
    const [first, last] = [rows[0], rows.at(-1)]
    if (!first || !last) continue
    const end = nextOpen(timeframe, last.candle.time)
    const begin = reached !== undefined && reached <= first.candle.time ? reached : first.candle.time
    const ours = await collect(history, { from: begin, to: end })
    for (const row of rows) {
      const candle = ours.get(row.candle.time)
      ours.delete(row.candle.time)
      if (!candle) {
        result.missing++
        show([{ time: row.candle.time, field: 'candle', ours: 'missing', theirs: 'present', difference: '' }])
        continue
      }
      const found = compareCandles(candle, row, relative)
      result.compared++
      if (found.length === 0) result.equal++
      show(found)
    }
    for (const { time, source } of ours.values()) {
      if (source === 'filled') continue
      result.extra++
      show([{ time, field: 'candle', ours: 'present', theirs: 'missing', difference: '' }])
    }
    reached = Math.max(end, reached ?? end)
  }
  return result
}

const byTime = (a: KlineRow, b: KlineRow): number => a.candle.time - b.candle.time

async function collect(history: History, range: Interval): Promise<Map<number, Candle>> {
  const candles = new Map<number, Candle>()
  for await (const page of history.pages(range)) for (const candle of page.candles) candles.set(candle.time, candle)
  return candles
}

function text({ compared, equal, missing, extra, outside, differences }: Result): string {
  const rows = differences.map(({ time, field, ours, theirs, difference }) => [
    iso(time),
    field,
    ours,
    theirs,
    difference,
  ])
  const lines = [
    rows.length && table(['time', 'field', 'ours', 'theirs', 'difference'], rows),
    `${plural(compared, 'candle')} compared: ${plural(equal, 'equal', 'equal')}, ${plural(compared - equal, 'different', 'different')}.`,
    missing && `${plural(missing, 'candle')} of the reference missing here.`,
    extra && `${plural(extra, 'candle')} of ours missing in the reference.`,
    outside && `${plural(outside, 'row')} of the reference outside the time compared.`,
  ]
  return `${lines.filter((line) => typeof line === 'string').join('\n')}\n`
}
