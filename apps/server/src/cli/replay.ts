import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { createReplay } from '../collect/replay.ts'
import type { Timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import { exchange as exchangeOf } from '../exchanges/index.ts'
import { failure, isFailure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import type { Store } from '../store/store.ts'
import { digest } from './capture/digest.ts'
import { captureLines } from './capture/lines.ts'
import { openPipeline } from './capture/pipeline.ts'
import { createPlayer } from './capture/play.ts'
import { type ReplayReport, replaySummary } from './capture/summary.ts'
import { type CommandContext, say, timeframesOption, withStore } from './context.ts'
import { createProgress, type Progress } from './progress.ts'

interface ReplayOptions {
  readonly exchange: string
  readonly speed: number
  readonly timeframes: readonly Timeframe[]
  readonly lateness: number
  readonly data?: string
}

const HELP = `
A capture has a line for each frame, "<receive time> <frame>", plain, .gz or .zip: what "record" writes, and others.
The frames go through the same code as live ones. Time is the recording's: neither the speed nor the machine has a say
in the result, and the hash at the end proves it. Trades that the recording lacks stay holes.
Without --data the result is only counted and hashed. In a folder that holds history already, the hash covers what is
stored from the first to the last trade of the recording.

Examples
  candlewire replay captures/*.gz
  candlewire replay captures/*.gz --data ./replayed --timeframes 1m,5m
  candlewire replay monday.gz --speed 10
`

const TOLD = 5

/** Adds `replay`: a recording through the live code. */
export function addReplay(program: Command, context: CommandContext): void {
  program
    .command('replay')
    .description('play recorded frames through the live code, and print counts and a hash of the result')
    .argument('<files...>', 'capture files, in any order')
    .option('--exchange <id>', 'exchange the frames are from', 'binance')
    .addOption(
      new Option('--speed <factor>', 'times as fast as recorded; 0 is as fast as it goes')
        .default(0)
        .argParser(readSpeed),
    )
    .addOption(timeframesOption())
    .addOption(
      new Option('--lateness <ms>', 'how long a candle waits for late trades').default(2_000).argParser(readWhole),
    )
    .option('--data <dir>', 'folder of a store that keeps the result')
    .addHelpText('after', HELP)
    .action(async (files: string[], options: ReplayOptions) => {
      const kept = options.data
      const folder = kept ?? (await mkdtemp(join(tmpdir(), 'candlewire-replay-')))
      try {
        await withStore(context, folder, async (store) => {
          const report = await replayFiles(context, store, files, options)
          context.out.write(replaySummary(report))
          if (report.broken.length || report.badLines || report.trades === 0) context.exit(1)
        })
      } finally {
        if (kept === undefined) await rm(folder, { recursive: true, force: true })
      }
    })
}

function readSpeed(text: string): number {
  const speed = Number(text)
  if (text === '' || !(speed >= 0 && speed < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('Speeds are 0, or times real time: 1, 10, 0.5.')
  return speed
}

function readWhole(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('A whole number of ms.')
  return Number(text)
}

/** Plays the files, the earliest first, into the store. Damaged ones are told and played as far as they go. */
export async function replayFiles(
  context: CommandContext,
  store: Store,
  paths: readonly string[],
  options: Omit<ReplayOptions, 'data'>,
): Promise<ReplayReport> {
  const exchange = exchangeOf(options.exchange)
  const metrics = createMetrics()
  const codes = options.timeframes.map(({ code }) => code)
  const { files, total } = await sortCaptures(paths)
  const replay = createReplay({ exchange, log: silent, metrics })
  const pipeline = openPipeline({ store, timeframes: codes, latenessMs: options.lateness, log: silent, metrics })
  const range = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY }
  const player = createPlayer({
    exchange,
    replay,
    speed: options.speed,
    signal: context.signal,
    async take(batches) {
      for (const { trades } of batches) for (const trade of trades) widen(range, trade)
      await pipeline.take(batches)
    },
  })
  const reading = { badLines: 0, broken: [] as string[] }
  const progress = createProgress(context, 'replay', total, 'lines')
  try {
    for (const file of files) await playFile(context, file, player, progress, reading)
    await player.end()
    await pipeline.finish()
  } finally {
    progress.end()
    await pipeline.close()
  }
  const markets = replay.symbols().map((symbol) => ({ exchange: exchange.id, symbol }))
  const result = await digest(store, markets, codes, range)
  return {
    ...result,
    ...reading,
    badLines: reading.badLines + player.unread(),
    tally: replay.tally(),
    drifting: replay.drifting(),
    answers: player.answers(),
  }
}

function widen(range: { from: number; to: number }, { time }: Trade): void {
  range.from = Math.min(range.from, time)
  range.to = Math.max(range.to, time)
}

async function playFile(
  context: CommandContext,
  file: string,
  player: ReturnType<typeof createPlayer>,
  progress: Progress,
  reading: { badLines: number; readonly broken: string[] },
): Promise<void> {
  try {
    const options = { signal: context.signal, onBytes: (bytes: number) => progress.advance(bytes, 0) }
    for await (const { lines, bad } of captureLines(file, options)) {
      for (const line of bad.slice(0, Math.max(0, TOLD - reading.badLines)))
        say(context, `${file}:${line}: no line of a capture ("<receive time> <frame>")`)
      reading.badLines += bad.length
      await player.lines(lines)
      progress.advance(0, lines.length)
    }
  } catch (error) {
    if (!isFailure(error) || error.code !== 'INVALID_FILE' || context.signal.aborted) throw error
    reading.broken.push(file)
    say(context, `${error.message}; what stands before it was played`)
  }
}

/** By the time of their first line. Throws `INVALID_FILE` for a file that is not there or has no such line. */
async function sortCaptures(paths: readonly string[]): Promise<{ files: string[]; total: number }> {
  const found: { path: string; first: number; size: number }[] = []
  for (const path of paths) {
    const { size } = await stat(path).catch((cause) => {
      throw failure('INVALID_FILE', { file: path, reason: 'there is no such file' }, cause)
    })
    found.push({ path, size, first: await firstTime(path) })
  }
  const files = found.sort((a, b) => a.first - b.first).map(({ path }) => path)
  return { files, total: found.reduce((sum, { size }) => sum + size, 0) }
}

async function firstTime(path: string): Promise<number> {
  for await (const { lines } of captureLines(path)) {
    const [first] = lines
    if (first) return first.received
  }
  throw failure('INVALID_FILE', { file: path, reason: 'it has no line of a capture ("<receive time> <frame>")' })
}
