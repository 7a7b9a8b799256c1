import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAggregator } from '../src/aggregate/aggregator.ts'
import { type KafkaBus, openKafkaBus } from '../src/bus/kafka/kafka.ts'
import { BROKER, freshPrefix, noBroker } from '../src/bus/kafka/testSupport.ts'
import type { Candle } from '../src/domain/candle.ts'
import type { TradeBatch } from '../src/domain/trade.ts'
import { exactText } from '../src/lib/decimal.ts'
import { silent } from '../src/lib/log.ts'
import { createFeed, LATENESS_MS, random, SYMBOLS, settingsOf, TIMEFRAMES } from './exactly/load.ts'

/** More of both, and another seed, make a longer trial of it. */
const ROUNDS = Number(process.env.EXACTLY_ROUNDS ?? 4)
const SEED = Number(process.env.EXACTLY_SEED ?? 1)
const BATCH_MS = 250
/** A member of a group is given up after ten seconds; a frozen one must be. */
const FROZEN_MS = 13_000
/** Longer than any takeover: session, transaction and the broker's own rounds. */
const LIMIT_MS = 90_000

interface World {
  readonly prefix: string
  readonly exchange: string
  readonly folder: string
}

async function startWorker({ prefix, exchange, folder }: World): Promise<ChildProcess> {
  const own = join(folder, randomUUID())
  await mkdir(own)
  const file = join(import.meta.dirname, 'exactly/worker.ts')
  const worker = spawn(process.execPath, [file, BROKER, prefix, exchange, own], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [code] = await Promise.race([once(worker.stdout, 'data').then(() => []), once(worker, 'exit')])
  if (code !== undefined) throw new Error(`a process did not begin, it ended with ${code}`)
  return worker
}

async function end(worker: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return
  const ended = once(worker, 'exit')
  worker.kill(signal)
  await ended
}

/** Gone when the test ends, with what is left of `workers`. */
async function openWorld(
  t: TestContext,
  workers: readonly ChildProcess[],
): Promise<World & { bus: KafkaBus; signal: AbortSignal }> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-exactly-'))
  const world = { prefix: freshPrefix(), exchange: `x${randomUUID().slice(0, 8)}`, folder }
  const bus = await openKafkaBus(settingsOf(BROKER, world.prefix, world.exchange, folder), { log: silent })
  const stop = new AbortController()
  t.after(async () => {
    stop.abort()
    await Promise.all(workers.map((worker) => end(worker, 'SIGKILL')))
    await bus.close()
    await rm(folder, { recursive: true })
  })
  return { ...world, bus, signal: stop.signal }
}

/** What tells a closed candle from any other, in the words of the public records. */
const lineOf = ({
  timeframe,
  time,
  revision,
  open,
  high,
  low,
  close,
  volume,
  trades,
}: Record<string, unknown>): string => [timeframe, time, revision, open, high, low, close, volume, trades].join(' ')

const publicLine = (candle: Candle): string =>
  lineOf({ ...candle, volume: exactText(candle.volume, candle.volumeRest) })

type Lines = Map<string, string[]>

function add(lines: Lines, topic: string, { symbol, timeframe }: Candle, line: string): void {
  const key = `${topic} ${symbol} ${timeframe}`
  const list = lines.get(key)
  if (list) list.push(line)
  else lines.set(key, [line])
}

/** Reads the closed candles of all topics that carry them, in their order. */
function readOutputs({ bus, prefix, exchange, signal }: World & { bus: KafkaBus; signal: AbortSignal }) {
  const internal = `${prefix}candles`
  const topics = [internal, 'normalized-ohlcv', ...TIMEFRAMES.map((code) => `crypto.aggregated.${code}`)]
  const lines: Lines = new Map()
  const state = { seen: 0 }
  const records = bus.consume(topics, `${prefix}exactly`, signal)
  const reading = (async () => {
    for await (const batch of records)
      for (const { topic, value } of batch) {
        const candle = JSON.parse(value.toString())
        if (candle.exchange !== exchange || !candle.closed) continue
        add(lines, topic, candle, topic === internal ? publicLine(candle) : lineOf({ ...candle, ...numbers(candle) }))
        state.seen++
      }
  })()
  return { lines, state, reading, internal }
}

const numbers = ({ open, high, low, close }: Record<string, unknown>) => ({
  open: Number(open),
  high: Number(high),
  low: Number(low),
  close: Number(close),
})

/** What the same trades lead to in one process that never stops. */
function expectedLines(batches: readonly TradeBatch[], internal: string): { lines: Lines; total: number } {
  const aggregator = createAggregator({ timeframes: TIMEFRAMES, latenessMs: LATENESS_MS })
  const lines: Lines = new Map()
  let total = 0
  for (const batch of batches) {
    const step = aggregator.add(batch)
    assert.equal(step.late.length, 0, 'no trade is so late')
    for (const candle of step.candles)
      for (const topic of [internal, 'normalized-ohlcv', `crypto.aggregated.${candle.timeframe}`]) {
        add(lines, topic, candle, publicLine(candle))
        total++
      }
  }
  return { lines, total }
}

test('aggregate processes that share partitions lose and double nothing, killed, stopped or frozen', {
  skip: noBroker,
  timeout: (LIMIT_MS + 30_000) * (ROUNDS + 1),
}, async (t) => {
  const workers: ChildProcess[] = []
  const world = await openWorld(t, workers)
  const { bus } = world
  const dice = random(SEED)
  const outputs = readOutputs(world)
  const feeds = SYMBOLS.map((symbol) => createFeed(world.exchange, symbol, dice, BATCH_MS))
  const published: TradeBatch[] = []
  /** The topics are made, and the group begins before the first trade. */
  await bus.publish('feed', [{ exchange: world.exchange, symbol: 'x', state: 'up', reason: '', time: 1 }])
  workers.push(...(await Promise.all([0, 1, 2].map(() => startWorker(world)))))

  const loading = new AbortController()
  t.after(() => loading.abort())
  const load = (async () => {
    while (!loading.signal.aborted) {
      const batches = feeds.map((next) => next(dice() < 0.1 ? 0 : 1 + Math.floor(dice() * 20)))
      published.push(...batches)
      await bus.publish('trades', batches)
      await sleep(50)
    }
  })()

  const faults = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(1_500 + dice() * 2_500)
    const fault = faults[round % faults.length]!
    const index = Math.floor(dice() * workers.length)
    const victim = workers[index]!
    if (fault === 'SIGSTOP') {
      victim.kill(fault)
      await sleep(FROZEN_MS)
      victim.kill('SIGCONT')
    } else {
      await end(victim, fault)
      await sleep(dice() * 1_500)
      workers[index] = await startWorker(world)
    }
  }
  await sleep(2_000)
  loading.abort()
  await load

  const expected = expectedLines(published, outputs.internal)
  const limit = performance.now() + LIMIT_MS
  while (outputs.state.seen < expected.total && performance.now() < limit) await sleep(50)
  const caughtUp = performance.now()
  await Promise.all(workers.map((worker) => end(worker, 'SIGTERM')))
  let [lost, doubled, disordered] = [0, 0, 0]
  for (const [key, want] of expected.lines) {
    const got = outputs.lines.get(key) ?? []
    const distinct = new Set(got)
    lost += want.filter((line) => !distinct.has(line)).length
    doubled += got.length - distinct.size
    if (got.join('\n') !== want.join('\n')) disordered++
  }
  for (const [key, want] of expected.lines) {
    const got = outputs.lines.get(key) ?? []
    const at = want.findIndex((line, index) => line !== got[index])
    if (got.join('\n') !== want.join('\n'))
      t.diagnostic(`${key}: ${got.length} of ${want.length}, at ${at} ${got[at]} instead of ${want[at]}`)
  }
  const trades = published.reduce((sum, batch) => sum + batch.trades.length, 0)
  t.diagnostic(
    `${ROUNDS} faults, ${trades} trades, ${expected.total} candle records: lost ${lost}, doubled ${doubled}, series that differ ${disordered} of ${expected.lines.size}; caught up ${Math.round(LIMIT_MS - (limit - caughtUp))} ms after the last trade`,
  )
  assert.deepEqual({ lost, doubled, disordered }, { lost: 0, doubled: 0, disordered: 0 })
  assert.equal(outputs.state.seen, expected.total, 'and nothing else')
})
