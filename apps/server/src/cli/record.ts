import { setInterval as ticks } from 'node:timers/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { memoryBus } from '../bus/memory.ts'
import { createCollector } from '../collect/collector.ts'
import type { CollectSettings } from '../collect/settings.ts'
import type { Channel } from '../exchanges/exchange.ts'
import { isFailure } from '../lib/failure.ts'
import { createLog, type Logger } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { createFrameRate } from './capture/rate.ts'
import { captureTap, tappedClient } from './capture/tap.ts'
import { type CaptureWriter, createCaptureWriter } from './capture/writer.ts'
import { type CommandContext, exchangeOption, say } from './context.ts'
import { askUntilAnswered, chooseSymbols } from './markets.ts'
import { plural } from './table.ts'

const CHANNELS = ['trades', 'ticker', 'top', 'depth'] as const
type Recorded = (typeof CHANNELS)[number]
const isRecorded = (name: string): name is Recorded => CHANNELS.some((channel) => channel === name)

interface RecordOptions {
  readonly exchange: string
  readonly symbols: string
  readonly output: string
  readonly channels: readonly Recorded[]
  readonly rotateMinutes: number
  readonly rotateMegabytes: number
}

const HELP = `
A file has a line for each frame, "<receive time in ns> <frame>", gzipped. Between them stand notes (JSON objects with
"candlewire") and the REST answers that were used: the list of markets, books, trades that were fetched because the
socket did not bring them. A file that is still written ends in .part; it can be replayed as far as it goes.

Examples
  candlewire record --exchange binance --symbols BTCUSDT,ETHUSDT --output ./captures
  candlewire record --exchange binance --symbols '*' --channels trades --output ./captures --rotate-minutes 15
`

/** Order book levels a side, as they are asked for once a market is up. */
const DEPTH = 1_000
const TELL_MS = 2_000
const MINUTE_MS = 60_000

/** Adds `record`: raw frames into files. */
export function addRecord(program: Command, context: CommandContext, url: (exchange: string) => string): void {
  program
    .command('record')
    .description('keep the raw frames of an exchange, to be played again by "replay"')
    .addOption(exchangeOption())
    .requiredOption('--symbols <list>', 'markets, comma separated; * is every market that trades')
    .requiredOption('--output <dir>', 'folder of the files')
    .addOption(
      new Option('--channels <list>', `what to record: ${CHANNELS.join(', ')}; trades always`)
        .default(['trades', 'top', 'depth'], 'trades,top,depth')
        .argParser(readChannels),
    )
    .addOption(
      new Option('--rotate-minutes <n>', 'time after which a new file begins').default(60).argParser(readCount),
    )
    .addOption(
      new Option('--rotate-megabytes <n>', 'size at which a new file begins').default(256).argParser(readCount),
    )
    .addHelpText('after', HELP)
    .action(async (options: RecordOptions) => {
      try {
        const { frames, writer } = await recordFrames({ context, options, wsUrl: url(options.exchange) })
        say(context, `${plural(frames, 'frame')} in ${plural(writer.files().length, 'file')} in ${options.output}.`)
        if (writer.lost()) say(context, `${plural(writer.lost(), 'frame')} lost: the disk was too slow.`)
        if (writer.lost() || frames === 0) context.exit(1)
      } catch (error) {
        if (!isFailure(error)) throw error
        say(context, error.message)
        context.exit(2)
      }
    })
}

function readCount(text: string): number {
  const number = Number(text)
  if (!(number > 0 && number < 1e6)) throw new InvalidArgumentError('A number above 0.')
  return number
}

function readChannels(text: string): Recorded[] {
  const names = text.split(',').map((name) => name.trim())
  const channels = names.filter(isRecorded)
  if (channels.length < names.length) throw new InvalidArgumentError(`Channels are ${CHANNELS.join(', ')}.`)
  return [...new Set<Recorded>(['trades', ...channels])]
}

interface Recording {
  readonly context: CommandContext
  readonly options: RecordOptions
  readonly wsUrl: string
  readonly log?: Logger
  readonly settings?: Partial<CollectSettings>
}

/** Records until the context's signal aborts; all that came is then on the disk. Rejects when the disk or the exchange does. */
export async function recordFrames({ context, options, wsUrl, settings, log = quiet(context) }: Recording) {
  const client = context.restClient(options.exchange)
  const { exchange } = client
  const wanted = options.symbols.split(',').map((symbol) => symbol.trim())
  const symbols: string[] = []
  const { channels } = options
  const writer = createCaptureWriter({
    folder: options.output,
    name: exchange.id,
    rotateMs: options.rotateMinutes * MINUTE_MS,
    rotateBytes: options.rotateMegabytes * 1e6,
    header: (continues) => ({
      candlewire: 'capture',
      version: 1,
      exchange: exchange.id,
      symbols,
      channels: [...channels],
      continues,
    }),
  })
  const rest = tappedClient(client, writer)
  const bus = memoryBus()
  const tap = captureTap(writer, Date.now)
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const { markets } = await askUntilAnswered(rest, log, signal)
  symbols.push(...chooseSymbols(exchange.id, wanted, markets))
  const collector = createCollector({
    exchange,
    rest,
    wsUrl,
    bus,
    // Recordings stand for themselves: each begins anew.
    lastTrade: async () => undefined,
    symbols,
    channels: channels.filter((channel): channel is Exclude<Channel & Recorded, 'trades'> => channel !== 'trades'),
    log,
    metrics: createMetrics(),
    capture: tap,
    ...(settings && { settings }),
  })
  collector.know(markets)

  /** A book begins with what REST has of it. */
  async function askBooks(): Promise<void> {
    for await (const states of bus.subscribe('feed', 'record', signal)) {
      for (const { symbol, state } of states) {
        if (state !== 'up' || signal.aborted || !channels.includes('depth')) continue
        const asked = rest.ask(exchange.rest.book({ symbol, depth: DEPTH }), { priority: 'backfill', signal })
        await asked.catch((error: unknown) => {
          if (!signal.aborted) log.warn({ symbol, err: error }, 'no order book by REST')
        })
      }
    }
  }
  /** The writer goes on until all others have ended. */
  const writing = new AbortController()
  const files = writer.run(writing.signal)
  const parts = [collector.run(signal), askBooks(), tell(context, tap.frames, writer, signal)]
  const guarded = parts.map((part) => part.finally(() => stop.abort()))
  files.catch(() => stop.abort())
  try {
    await Promise.all(guarded)
  } finally {
    await Promise.allSettled(guarded)
    writing.abort()
    await files
  }
  return { frames: tap.frames(), writer }
}

const quiet = ({ err }: CommandContext): Logger => createLog({ level: 'warn', pretty: err.isTTY === true })

/** A line that says how it goes: the same one again and again on a terminal. */
async function tell(context: CommandContext, frames: () => number, writer: CaptureWriter, signal: AbortSignal) {
  const rate = createFrameRate(frames, writer)
  try {
    for await (const _ of ticks(TELL_MS, undefined, { signal })) {
      if (context.err.isTTY) context.err.write(`\r\x1b[2K${rate()}`)
      else say(context, rate())
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    if (context.err.isTTY) context.err.write('\r\x1b[2K')
  }
}
