import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { bySize, isTimeframe, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { isFailure } from '../lib/failure.ts'
import type { Store } from '../store/store.ts'

/** What the commands need from the process that runs them. */
export interface CommandContext {
  readonly signal: AbortSignal
  /** Data goes to `out`, all that is said to people to `err`. */
  readonly out: Writable
  readonly err: Writable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Called with 1 when a command found faults, with 2 when it could not begin. Never called when all is well. */
  readonly exit: (code: 1 | 2) => void
  /** Opens the database that is configured, else the store file, made anew when absent. */
  readonly openStore: (path: string) => Promise<Store>
  /** The one client of an exchange in this process. Throws `EXCHANGE_NOT_FOUND`. */
  readonly restClient: (exchange: string) => RestClient
}

/** The timeframes that are kept unless `--timeframes` says otherwise. */
export const ENABLED = '1s 5s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M'.split(' ')

const storePath = (data: string): string => join(data, 'candlewire.db')

const dataOption = ({ env }: CommandContext): Option =>
  new Option('--data <dir>', 'folder of the store').default(env.CANDLEWIRE_DATA ?? './data')

export const exchangeOption = (): Option =>
  new Option('--exchange <id>', 'exchange the data is from, e.g. binance')
    .argParser((text) => {
      if (!/^[a-z0-9][a-z0-9_-]*$/.test(text)) throw new InvalidArgumentError('Exchanges have names like binance.')
      return text
    })
    .makeOptionMandatory()

export const symbolOption = (): Option =>
  new Option('--symbol <symbol>', 'market, e.g. BTCUSDT (BTC/USDT is read as BTCUSDT)')
    .argParser(readSymbol)
    .makeOptionMandatory()

export function readSymbol(text: string): string {
  const symbol = text.replace(/[/_-]/g, '').toUpperCase()
  if (!/^[A-Z0-9]{2,30}$/.test(symbol)) throw new InvalidArgumentError('Symbols look like BTCUSDT.')
  return symbol
}

export function readTimeframe(text: string): Timeframe {
  if (!isTimeframe(text)) throw new InvalidArgumentError('Timeframes look like 1s, 5m, 4h, 1d, 1w, 1M.')
  return timeframe(text)
}

export const timeframesOption = (): Option =>
  new Option('--timeframes <list>', 'timeframes to build, separated by spaces or commas')
    .default(ENABLED.map(timeframe), ENABLED.join(' '))
    .argParser((text) => {
      const frames = text
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(readTimeframe)
      if (frames.length === 0) throw new InvalidArgumentError('Name at least one timeframe.')
      return [...new Map(frames.map((frame) => [frame.code, frame])).values()].sort(bySize)
    })

/** A moment: ISO text, UTC when it names no zone, or ms since 1970. */
export function readTime(text: string): number {
  const iso = /^\d{4}-\d{2}-\d{2}$|(Z|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text.replace(' ', 'T')}Z`
  const time = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(iso)
  if (Number.isNaN(time)) throw new InvalidArgumentError('Times look like 2024-08-08, 2024-08-08T12:00:00Z or ms.')
  return time
}

/** A command with the option all share. Wrong usage ends the process with code 2; 1 is kept for faults that it found. */
export const newCommand = (program: Command, context: CommandContext, name: string): Command =>
  program
    .command(name)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .addOption(dataOption(context))

/** Opens the store for the length of `work`. Failures that have a name are told in one sentence, with exit code 2. */
export async function withStore(
  context: CommandContext,
  data: string,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  await told(context, async () => {
    const store = await context.openStore(storePath(data))
    try {
      await work(store)
    } finally {
      await store.close()
    }
  })
}

/** Runs a command's work: failures that have a name end it with one sentence and exit code 2. */
async function told(context: CommandContext, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (context.signal.aborted) say(context, 'Stopped. What was written so far is kept; the same command goes on.')
    else if (isFailure(error)) say(context, error.message)
    else throw error
    context.exit(2)
  }
}

export const say = ({ err }: Pick<CommandContext, 'err'>, text: string): void => void err.write(`${text}\n`)

export const iso = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z')
