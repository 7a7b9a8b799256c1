import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { serveApi } from '../src/api/api.ts'
import { defaultLimits } from '../src/api/defaults.ts'
import type { ApiBackend, ApiDeps, ApiOptions, Catalog, LiveLimits } from '../src/api/deps.ts'
import type { Bus } from '../src/bus/bus.ts'
import { memoryBus } from '../src/bus/memory.ts'
import type { Candle } from '../src/domain/candle.ts'
import type { Coverage } from '../src/domain/coverage.ts'
import type { Trade } from '../src/domain/trade.ts'
import { silent } from '../src/lib/log.ts'
import { createMetrics } from '../src/lib/metrics.ts'
import { embeddedStore } from '../src/store/embedded/index.ts'
import type { Store } from '../src/store/store.ts'

export const MINUTE = 60_000
/** 2025-01-20T10:30:00Z */
export const T0 = Date.UTC(2025, 0, 20, 10, 30)

export const candle = (time: number, change: Partial<Candle> = {}): Candle => ({
  exchange: 'binance',
  symbol: 'BTCUSDT',
  timeframe: '1m',
  time,
  open: 45000,
  high: 45100.5,
  low: 44900,
  close: 45050.25,
  volume: 1.5,
  volumeRest: 0,
  quoteVolume: 67575.375,
  quoteVolumeRest: 0,
  trades: 10,
  closed: true,
  revision: 0,
  source: 'trades',
  ...change,
})

export const trade = (id: number, change: Partial<Trade> = {}): Trade => ({
  type: 'trade',
  exchange: 'binance',
  symbol: 'BTCUSDT',
  id,
  count: 1,
  price: 45000 + id,
  quantity: 0.5,
  side: 'buy',
  time: T0 + id,
  received: T0 + id + 5,
  ...change,
})

export const covered = (from: number, to: number, state: Coverage['state'] = 'complete'): Coverage => ({
  exchange: 'binance',
  symbol: 'BTCUSDT',
  series: 'trades',
  from,
  to,
  state,
})

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']

export const catalog: Catalog = {
  exchanges: [
    { id: 'binance', name: 'Binance' },
    { id: 'bybit', name: 'Bybit' },
  ],
  primaryExchange: 'binance',
  timeframes: ['1s', '1m', '5m', '15m', '1h', '1d'],
  isMarket: ({ exchange, symbol }) => exchange === 'binance' && SYMBOLS.includes(symbol),
}

const options: ApiOptions = {
  host: '127.0.0.1',
  port: 0,
  corsOrigins: ['*'],
  compression: true,
  candleCacheMs: 10_000,
  version: '0.0.0',
  service: 'all',
}

const backend: ApiBackend = {
  collectorStatus: () => ({
    stats: {
      symbols: 3,
      streams: 6,
      messages_received: 10,
      candles_published: 5,
      last_message_at: null,
      reconnects: 0,
      gaps_open: 0,
      mode: 'websocket_only',
    },
    performance: {
      messages_per_second: 1,
      publish_latency_ms: { p50: 1, p95: 2, p99: 3 },
      requests_per_minute: 0,
    },
    problems: {},
  }),
  fetchHistorical: async (request) => ({
    ...request,
    jobId: 'job-1',
    missing: [{ from: request.from, to: request.to, candles: 60 }],
    requestsPlanned: 1,
    estimatedSeconds: 0.5,
    window: 'IMMEDIATE',
    delaySeconds: 0,
    done: Promise.resolve(),
  }),
  coverage: async () => [],
}

export interface Change {
  readonly options?: Partial<ApiOptions>
  readonly limits?: Partial<LiveLimits>
  readonly backend?: Partial<ApiBackend>
  readonly catalog?: Partial<Catalog>
  readonly now?: () => number
}

/** What an API needs, with a real store and bus; closed when the test ends. */
export async function apiDeps(t: TestContext, change: Change = {}): Promise<ApiDeps & { store: Store; bus: Bus }> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-api-'))
  const store = await embeddedStore({ path: join(folder, 'data.db'), log: silent })
  t.after(async () => {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    store,
    bus: memoryBus(),
    catalog: { ...catalog, ...change.catalog },
    backend: { ...backend, ...change.backend },
    options: { ...options, ...change.options },
    limits: { ...defaultLimits, ...change.limits },
    log: silent,
    metrics: createMetrics(),
    now: change.now ?? Date.now,
  }
}

/** A listening API; stopped when the test ends. */
export async function startApi(t: TestContext, change: Change = {}) {
  const deps = await apiDeps(t, change)
  const stop = new AbortController()
  const api = await serveApi(deps, stop.signal)
  t.after(async () => {
    stop.abort()
    await api.done
  })
  return { ...deps, url: api.url, ws: `${api.url.replace('http', 'ws')}/ws/crypto`, stop, done: api.done }
}
