import type { Command } from 'commander'
import { openTime, timeframe } from '../domain/timeframe.ts'
import { failure } from '../lib/failure.ts'
import type { Store } from '../store/store.ts'
import { type CommandContext, exchangeOption, newCommand, readTime, say, symbolOption, withStore } from './context.ts'
import { plural, table } from './table.ts'
import { type DayReport, daysOf, verifyDay } from './verifyDay.ts'

interface VerifyOptions {
  readonly exchange: string
  readonly symbol: string
  readonly day?: number
  readonly from?: number
  readonly to?: number
  readonly json: boolean
  readonly data: string
}

const HELP = `
What is verified
  The trades of each UTC day are read again and held against the day's row in the ledger: first and last id, number and
  hash. No id may come twice; none may be missing where coverage says that all is there; every stored candle of a day or
  less whose trades are all there must equal the fold of its trades. Days whose trades were deleted because they were old
  are named "pruned": their row is what is left.
  The exit code is 0 when nothing differs, 1 when something does or there was nothing to verify, 2 when it could not run.

Examples
  candlewire verify --exchange binance --symbol BTCUSDT
  candlewire verify --exchange binance --symbol BTCUSDT --day 2024-08-08
  candlewire verify --exchange binance --symbol BTCUSDT --from 2024-08-01 --to 2024-08-08 --json
`
const MOST_SHOWN = 50

/** Adds `verify`: stored trades against the ledger, stored candles against the trades. */
export function addVerify(program: Command, context: CommandContext): void {
  newCommand(program, context, 'verify')
    .description('recompute the ledger from the stored trades, and the candles too')
    .addOption(exchangeOption())
    .addOption(symbolOption())
    .option('--day <day>', 'one UTC day', readTime)
    .option('--from <day>', 'first UTC day (default: the first that is known)', readTime)
    .option('--to <day>', 'last UTC day (default: the last that is known)', readTime)
    .option('--json', 'write the result as one JSON object', false)
    .addHelpText('after', HELP)
    .action((options: VerifyOptions) =>
      withStore(context, options.data, async (store) => {
        if (!(await verify(context, store, options))) context.exit(1)
      }),
    )
}

const dayOf = (time: number): number => openTime(timeframe('1d'), time)

async function verify(context: CommandContext, store: Store, options: VerifyOptions): Promise<boolean> {
  const { exchange, symbol, json } = options
  const market = { exchange, symbol }
  const now = Date.now()
  const first = dayOf(options.day ?? options.from ?? 0)
  const last = options.day ?? options.to ?? Number.POSITIVE_INFINITY
  if (first > last) throw failure('INVALID_RANGE', {})
  const days = (await daysOf(store, market, now)).filter((day) => day >= first && day <= last)
  if (days.length === 0) {
    say(context, `Neither trades nor ledger rows of ${exchange} ${symbol} are stored there.`)
    return false
  }
  const reports: DayReport[] = []
  for (const day of days) {
    context.signal.throwIfAborted()
    reports.push(await verifyDay(store, market, day, now))
  }
  context.out.write(json ? jsonOf({ ...market, days: reports }) : text(reports))
  return reports.every(({ faults }) => faults.length === 0)
}

const date = (day: number): string => new Date(day).toISOString().slice(0, 10)

const jsonOf = (result: { readonly exchange: string; readonly symbol: string; readonly days: DayReport[] }): string =>
  `${JSON.stringify({ ...result, days: result.days.map((report) => ({ ...report, day: date(report.day) })) })}\n`

function text(reports: readonly DayReport[]): string {
  const rows = reports.map(({ day, state, trades, hash, candles, faults }) => [
    date(day),
    state,
    trades,
    hash.slice(0, 16),
    candles,
    faults.length,
  ])
  const faults = reports.flatMap((report) => report.faults.map((fault) => ({ ...fault, day: report.day })))
  const shown = faults
    .slice(0, MOST_SHOWN)
    .map(({ day, what, where, expected, found }) => [date(day), what, where, expected, found])
  const lines = [
    table(['day', 'state', 'trades', 'hash', 'candles', 'faults'], rows),
    shown.length > 0 && table(['day', 'what', 'where', 'expected', 'found'], shown),
    faults.length > MOST_SHOWN && `and ${plural(faults.length - MOST_SHOWN, 'fault')} more`,
    faults.length === 0
      ? `${plural(reports.length, 'day')} verified, nothing differs.`
      : `${plural(faults.length, 'fault')} in ${plural(reports.length, 'day')}.`,
  ]
  return `${lines.filter((line) => typeof line === 'string').join('\n')}\n`
}
