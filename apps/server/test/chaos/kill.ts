import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createSimulator, type FaultStep, type Simulator } from '@candlewire/simulator'
import { silent } from '../../src/lib/log.ts'
import { embeddedStore } from '../../src/store/embedded/index.ts'
import { get } from '../platform.ts'
import { until } from '../until.ts'
import { compareAll } from './check.ts'
import { createDice } from './dice.ts'
import {
  AFTER,
  BEHIND,
  countSince,
  firstIdsOf,
  HISTORY,
  lastIdsOf,
  MINUTE,
  type Outcome,
  STALE,
  variablesOf,
} from './run.ts'
import { ratesOf } from './scenario.ts'
import { createMemory } from './told.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
/** One server in three is killed within this time after its start: while it loads, opens the store, or asks … */
const BIRTH_MS = 1_500
/** … the others within this time after they listen: while they fetch, join, close candles, write. */
const LIFE_MS = 2_500
const PATIENCE = 3 * MINUTE

/** The wire is not at its best meanwhile. */
const faults: FaultStep[] = [
  { every: 1_700, kind: 'missing', count: 2 },
  { every: 1_100, kind: 'duplicate', count: 2 },
  { every: 1_300, kind: 'reorder', count: 2 },
  { every: 17_000, kind: 'cut' },
]

/** `kill -9` of the whole server, `kills` times on one data folder, in real time; then the same comparison as ever. */
export async function runKills(
  kills: number,
  seed: number,
  symbols: number,
  told: (done: number) => void,
): Promise<Outcome> {
  const dice = createDice(seed)
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-kill-'))
  const rates = ratesOf(symbols)
  const simulator = await createSimulator({
    seed,
    symbols: Object.keys(rates),
    tradesPerSecond: rates,
    historyMs: HISTORY,
    faults,
  })
  try {
    const firstIds = firstIdsOf(simulator)
    const since = Math.floor(simulator.now() / MINUTE) * MINUTE
    const memory = createMemory()
    let reachable: number | undefined
    for (let done = 0; done < kills; done++) {
      const { child, url } = startServer(simulator, folder)
      if (dice.chance(1 / 3)) await pause(dice.between(100, BIRTH_MS))
      else {
        const heard = memory.listen(await url)
        await pause(dice.between(0, LIFE_MS))
        await end(child, 'SIGKILL')
        if (await heard) reachable ??= simulator.now()
      }
      await end(child, 'SIGKILL')
      told(done + 1)
    }
    const started = simulator.now()
    const { child, url } = startServer(simulator, folder)
    try {
      const address = await url
      await until('all to be well', () => isWell(address), PATIENCE)
      const healed = simulator.now()
      await pause(AFTER)
      const lastIds = lastIdsOf(simulator)
      await pause(STALE)
      await end(child, 'SIGTERM')
      const store = await embeddedStore({ path: join(folder, 'candlewire.db'), log: silent })
      const expected = {
        since,
        reachable: reachable ?? started,
        upTo: healed + AFTER - BEHIND,
        firstIds,
        lastIds,
        hindered: [],
      }
      const losses = await compareAll(store, simulator, expected)
      const forgotten = await memory.faults(store).finally(() => store.close())
      losses.candles += forgotten.length
      losses.notes.unshift(...forgotten.slice(0, 6))
      return {
        seed,
        kind: `kill -9 × ${kills}, ${memory.size()} candles told`,
        healMs: healed - started,
        trades: countSince(simulator, firstIds),
        losses,
      }
    } finally {
      await end(child, 'SIGKILL')
    }
  } finally {
    await simulator.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function startServer(simulator: Simulator, folder: string) {
  const env = { ...process.env, ...variablesOf(simulator, folder), LOG_LEVEL: 'info' }
  const child = spawn(process.execPath, [MAIN, 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const url = Promise.withResolvers<string>()
  // A server that is killed while it starts never says where it listens.
  url.promise.catch(() => {})
  let said = ''
  const read = (data: Buffer) => {
    said = `${said}${data}`.slice(-20_000)
    const found = /listening: (http:\/\/[^ ]+)/.exec(said)?.[1]
    if (found) url.resolve(found)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  child.once('exit', () => url.reject(new Error(`the server ended: ${said}`)))
  return { child, url: url.promise }
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

async function isWell(url: string): Promise<boolean> {
  const { stats, checks } = await get(`${url}/health`)
  const { mode, gaps_open: gaps, messages_received: messages } = Object(stats)
  return mode === 'websocket_only' && gaps === 0 && messages > 0 && Object(checks).binance?.status === 'ok'
}
