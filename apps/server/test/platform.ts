import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createSimulator, type Simulator, type SimulatorOptions } from '@candlewire/simulator'
import { serve } from '../src/cli/serve.ts'
import { loadConfig, type Variables } from '../src/config.ts'
import { silent } from '../src/lib/log.ts'
import { embeddedStore } from '../src/store/embedded/index.ts'
import type { Store } from '../src/store/store.ts'

const MINUTE = 60_000

/** An exchange in a box with two busy markets and a thin one; closed when the test ends. */
export async function openExchange(t: TestContext, options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await createSimulator({
    seed: 11,
    symbols: ['BTCUSDT', 'ETHUSDT', 'ETHBTC'],
    tradesPerSecond: { BTCUSDT: 60, ETHUSDT: 30, ETHBTC: 0.9 },
    historyMs: 26 * 60 * MINUTE,
    ...options,
  })
  t.after(() => simulator.close())
  return simulator
}

/**
 * A start for the exchange's clock that lets it reach a full minute after `ms`. It then differs from ours by up to half
 * a minute, as the clock of a badly kept machine would.
 */
export function startBeforeMinute(ms: number): number {
  const now = Date.now()
  return Math.round((now + ms) / MINUTE) * MINUTE - ms
}

/** A folder that is gone after the test. */
export async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface Platform {
  readonly url: string
  /** Address of the CryptoViz protocol. */
  readonly ws: string
  /** Stops in order; resolves when everything received is stored. */
  stop(): Promise<void>
}

/** All roles in this process, on a free port; stopped when the test ends. */
export async function startPlatform(
  t: TestContext,
  urls: Pick<Simulator, 'restUrl' | 'wsUrl'>,
  data: string,
  variables: Partial<Record<keyof Variables, string>> = {},
  dashboardDir = join(data, 'no-page'),
): Promise<Platform> {
  const config = loadConfig(
    {
      SYMBOLS: '*',
      HOST: '127.0.0.1',
      WEBSOCKET_PORT: '0',
      CANDLEWIRE_DATA: data,
      ALLOWED_LATENESS_MS: '300',
      BINANCE_REST_URL: urls.restUrl,
      BINANCE_WS_URL: urls.wsUrl,
      ...variables,
    },
    {},
  )
  const abort = new AbortController()
  const { url, done } = await serve({ config, log: silent, signal: abort.signal, dashboardDir })
  let stopping: Promise<void> | undefined
  const stop = () => {
    abort.abort()
    stopping ??= done
    return stopping
  }
  t.after(stop)
  return { url, ws: `${url.replace('http', 'ws')}/ws/crypto`, stop }
}

/** Reads a store that no server has open. */
export async function withStore<T>(data: string, read: (store: Store) => Promise<T>): Promise<T> {
  const store = await embeddedStore({ path: join(data, 'candlewire.db'), log: silent })
  try {
    return await read(store)
  } finally {
    await store.close()
  }
}

/** The body of a good answer. A server on a busy machine may ask to come back: then later. */
export async function get(url: string, patience = 20): Promise<Record<string, unknown>> {
  const response = await fetch(url)
  if (response.status === 503 && patience > 0) {
    await response.body?.cancel()
    await pause(500)
    return get(url, patience - 1)
  }
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response.json()
}
