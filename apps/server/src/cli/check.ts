import { type Command, InvalidArgumentError } from 'commander'
import type { Store } from '../store/store.ts'
import { type Comparison, compareAll } from './comparison.ts'
import { type CommandContext, iso, newCommand, say, withStore } from './context.ts'
import { readingNotes } from './files.ts'
import { createReasons, type Kind } from './reasons.ts'
import { fileReference, restReference } from './reference.ts'
import { addSeriesOptions, openSeries, type SeriesOptions } from './series.ts'
import { count, plural, table } from './table.ts'

interface CheckOptions extends SeriesOptions {
  readonly file?: readonly string[]
  readonly relative: number
  readonly limit: number
  readonly json: boolean
}

const HELP = `
What is compared
  Every candle of ours in the time that we have stored (or --from to --to) with the reference's, exactly: open, high,
  low, close, volume, quote volume and number of trades, as far as the reference carries them. The reference is the
  exchange itself (by REST), or files in any of the forms that "import --kind klines" reads.
  A flat row of the reference equals an interval of ours in which, proven, nothing traded.
  Each candle that differs has a kind, and the summary counts them: late trade, missing trade, extra trade, block trade,
  damaged, exchange revision, precision, unexplained; unknown (we hold nothing of that time, and say so), no candle (the
  reference has none). Without --file the exchange is asked for its trades of the first candles that differ (as many as
  --limit, of up to a minute each); otherwise the stored trades and the counts tell, as far as they can.
  The exit code is 0 when all are equal, 1 when some are not or nothing could be compared, 2 when the check could not run.

Examples
  candlewire check --exchange binance --symbol BTCUSDT --timeframe 1m --from 2024-08-08 --to 2024-08-09
  candlewire check --exchange binance --symbol BTCUSDT --timeframe 1m --file BTCUSDT-1m-2024-08.zip
  candlewire check --exchange binance --symbol BTCUSDT --timeframe 4h --file 4h.json.gz --relative 1e-9 --json
`

/** Adds `check`: stored candles against the exchange's own. */
export function addCheck(program: Command, context: CommandContext): void {
  addSeriesOptions(newCommand(program, context, 'check'))
    .description("compare stored candles with the exchange's own, or with those of files")
    .option('--file <files...>', 'compare with the candles of these files')
    .option('--relative <share>', 'how far volumes may lie apart, for files that carry fewer digits', readShare, 0)
    .option('--limit <n>', 'differences to show, and candles to ask the exchange about', readLimit, 50)
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
  const { exchange, symbol, timeframe, json, limit } = options
  const { signal } = context
  const market = { exchange, symbol }
  const series = await openSeries(context, store, options)
  if (!series) return false
  const { history, range } = series
  const client = options.file ? undefined : context.restClient(exchange)
  const reference = client
    ? restReference(client, market, timeframe, range, signal)
    : await fileReference(context, market, timeframe, options.file ?? [])
  const kindOf = createReasons({ store, frame: timeframe, ...(client && { client }), asks: limit, signal })
  const result = await compareAll(history, reference, range, { ...options, kindOf })
  for (const note of reference.reading ? readingNotes(reference.reading) : []) say(context, note)
  context.out.write(json ? jsonOf({ ...market, timeframe: timeframe.code }, result) : text(result))
  const unread = (reference.reading?.bad ?? 0) + (reference.reading?.brokenFiles ?? 0)
  return result.compared > 0 && result.equal === result.compared && result.missing + result.extra + unread === 0
}

const jsonOf = (series: object, { kinds, ...result }: Comparison): string =>
  `${JSON.stringify({ ...series, ...result, kinds: Object.fromEntries(kinds) })}\n`

/** What each kind means, in the words of the summary. */
const MEANING: Readonly<Record<Kind, string>> = {
  late: 'late trade: on its way to us',
  missing_trade: 'missing trade: the reference holds trades that we lack',
  extra_trade: 'extra trade: we hold trades that the reference lacks',
  block_trade: 'block trade: the reference holds more than all public trades',
  damaged: 'damaged: our candle is not what its own trades make',
  exchange_revision: 'exchange revision: the exchange changed its candle after it gave it to us',
  precision: 'precision: the same in other digits',
  unexplained: 'unexplained: the trades do not make the difference',
  unknown: 'unknown: we hold nothing of that time, and say so',
  no_candle: 'no candle: the reference has none',
}

function text({ compared, equal, missing, extra, outside, kinds, differences }: Comparison): string {
  const rows = differences.map(({ time, field, ours, theirs, difference, kind }) => [
    iso(time),
    field,
    ours,
    theirs,
    difference,
    kind.replace('_', ' '),
  ])
  const lines = [
    rows.length && table(['time', 'field', 'ours', 'theirs', 'difference', 'kind'], rows),
    `${plural(compared, 'candle')} compared: ${plural(equal, 'equal', 'equal')}, ${plural(compared - equal, 'different', 'different')}.`,
    missing && `${plural(missing, 'candle')} of the reference missing here.`,
    extra && `${plural(extra, 'candle')} of ours missing in the reference.`,
    outside && `${plural(outside, 'row')} of the reference outside the time compared.`,
    ...[...kinds].map(([kind, candles]) => `  ${count(candles)} ${MEANING[kind]}`),
  ]
  return `${lines.filter((line) => typeof line === 'string').join('\n')}\n`
}
