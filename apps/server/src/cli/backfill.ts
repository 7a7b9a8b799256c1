import { type Command, InvalidArgumentError } from 'commander'
import type { Cost } from '../backfill/backfill.ts'
import { HOUR, type Timeframe } from '../domain/timeframe.ts'
import { failure } from '../lib/failure.ts'
import type { Store } from '../store/store.ts'
import {
  type CommandContext,
  exchangeOption,
  iso,
  newCommand,
  readSymbol,
  readTime,
  readTimeframe,
  say,
  withStore,
} from './context.ts'
import { createProgress } from './progress.ts'
import { plural, table } from './table.ts'

/** Candles to fetch: `[from, to)`, ms. */
interface BackfillOrder {
  readonly exchange: string
  readonly symbols: readonly string[]
  readonly timeframe: string
  readonly from: number
  readonly to: number
}

export interface BackfillOutcome {
  readonly symbol: string
  readonly requests: number
  readonly candles: number
  readonly errors: readonly string[]
}

/** The backfill role as this command needs it. */
export interface Backfiller {
  readonly estimate: (order: BackfillOrder, signal: AbortSignal) => Promise<Cost>
  /** `onProgress`: requests and candles since the last call. */
  readonly run: (
    order: BackfillOrder,
    onProgress: (requests: number, candles: number) => void,
    signal: AbortSignal,
  ) => Promise<readonly BackfillOutcome[]>
}

/** Joins the role to this command; the store is closed by the command. */
export type OpenBackfiller = (store: Store) => Backfiller

interface BackfillOptions {
  readonly exchange: string
  readonly symbols: readonly string[]
  readonly timeframe: Timeframe
  readonly from?: number
  readonly to?: number
  readonly lookbackHours?: number
  readonly dryRun: boolean
  readonly data: string
}

const HELP = `
What happens
  Candles that the store lacks are fetched from the exchange, within its request limits; what is there already is not
  fetched again. The cost is told first: requests, their weight, how long it will take and when it will be done, by how quickly the exchange
  answers (two requests measure that) and by how much it allows a minute. A backfill that is stopped goes on where it was when it is started again.

Examples
  candlewire backfill --exchange binance --symbols BTCUSDT,ETHUSDT --timeframe 1m --lookback-hours 48
  candlewire backfill --exchange binance --symbols BTCUSDT --timeframe 1h --from 2024-01-01 --to 2024-07-01 --dry-run
`

/** Adds `backfill`: the exchange's history into the store. */
export function addBackfill(program: Command, context: CommandContext, open: OpenBackfiller): void {
  newCommand(program, context, 'backfill')
    .description('fetch history of an exchange into the store')
    .addOption(exchangeOption())
    .requiredOption('--symbols <list>', 'markets, separated by commas', readSymbols)
    .requiredOption('--timeframe <code>', 'timeframe to fetch', readTimeframe)
    .option('--from <time>', 'first open time, ISO or ms', readTime)
    .option('--to <time>', 'end, exclusive, ISO or ms (default: now)', readTime)
    .option('--lookback-hours <n>', 'how far to go back, instead of --from (default: 24)', readHours)
    .option('--dry-run', 'only tell what it would cost', false)
    .addHelpText('after', HELP)
    .action((options: BackfillOptions) =>
      withStore(context, options.data, async (store) => {
        if (!(await backfill(context, open(store), options))) context.exit(1)
      }),
    )
}

function readSymbols(text: string): string[] {
  const symbols = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(readSymbol)
  if (symbols.length === 0) throw new InvalidArgumentError('Name at least one symbol.')
  return [...new Set(symbols)]
}

function readHours(text: string): number {
  const hours = Number(text)
  if (!(hours > 0 && hours <= 1_000_000)) throw new InvalidArgumentError('A number of hours above 0.')
  return hours
}

async function backfill(context: CommandContext, backfiller: Backfiller, options: BackfillOptions): Promise<boolean> {
  const order = orderOf(options, Date.now())
  const { requests, weight, seconds } = await backfiller.estimate(order, context.signal)
  const span = `${iso(order.from)} to ${iso(order.to)}`
  say(context, `${order.symbols.join(', ')} ${order.timeframe}, ${span}.`)
  const about = seconds < 10 ? seconds : Math.round(seconds)
  const end = requests > 0 ? `, done at ${iso(Math.round(Date.now() / 1_000 + seconds) * 1_000)}` : ''
  say(context, `Cost: ${plural(requests, 'request')}, weight ${weight}, about ${about} s${end}.`)
  if (options.dryRun) return true
  const started = performance.now()
  const outcomes = await fetchAll(context, backfiller, order, requests)
  const rows = outcomes.map((row) => [row.symbol, row.requests, row.candles, row.errors.length])
  say(context, table(['symbol', 'requests', 'candles', 'errors'], rows))
  const used = outcomes.reduce((sum, outcome) => sum + outcome.requests, 0)
  const elapsed = ((performance.now() - started) / 1_000).toFixed(1)
  say(context, `Done in ${elapsed} s with ${plural(used, 'request')} of ${requests} estimated.`)
  const errors = outcomes.flatMap(({ symbol, errors }) => errors.map((error) => `${symbol}: ${error}`))
  for (const error of errors.slice(0, 10)) say(context, error)
  return errors.length === 0
}

async function fetchAll(context: CommandContext, backfiller: Backfiller, order: BackfillOrder, requests: number) {
  const progress = createProgress(context, 'backfill', requests, 'candles')
  try {
    return await backfiller.run(order, progress.advance, context.signal)
  } finally {
    progress.end()
  }
}

function orderOf({ exchange, symbols, timeframe, ...options }: BackfillOptions, now: number): BackfillOrder {
  if (options.from !== undefined && options.lookbackHours !== undefined)
    throw failure('INVALID_PARAMETER', { name: '--lookback-hours', reason: 'it stands in place of --from' })
  const to = options.to ?? now
  const from = options.from ?? to - (options.lookbackHours ?? 24) * HOUR
  if (from >= to) throw failure('INVALID_RANGE', {})
  return { exchange, symbols, timeframe: timeframe.code, from, to }
}
