import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveApi } from '../../src/api/api.ts'
import { defaultLimits } from '../../src/api/defaults.ts'
import type { ApiBackend } from '../../src/api/deps.ts'
import { memoryBus } from '../../src/bus/memory.ts'
import type { Trade } from '../../src/domain/trade.ts'
import { silent } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { embeddedStore } from '../../src/store/embedded/index.ts'

const EPOCH = 1_759_316_400_000

/** Nothing is collected here: the bench itself is the exchange. */
const backend: ApiBackend = {
  collectorStatus: () => {
    throw new Error('the bench asks for no status')
  },
  fetchHistorical: () => Promise.reject(new Error('the bench fetches no history')),
  coverage: () => Promise.resolve([]),
}

/** The API role as `candlewire start` runs it, on a store and a bus of its own. */
export async function openApi() {
  const store = await embeddedStore({
    path: join(await mkdtemp(join(tmpdir(), 'candlewire-bench-')), 'b.db'),
    log: silent,
  })
  const bus = memoryBus()
  const { url } = await serveApi(
    {
      store,
      bus,
      catalog: {
        exchanges: [{ id: 'binance', name: 'Binance' }],
        primaryExchange: 'binance',
        timeframes: ['1s', '1m', '5m', '15m', '1h', '4h', '1d'],
        isMarket: () => true,
      },
      backend,
      options: {
        host: '127.0.0.1',
        port: 0,
        corsOrigins: ['*'],
        compression: false,
        candleCacheMs: 5_000,
        version: 'bench',
        service: 'api',
      },
      limits: defaultLimits,
      log: silent,
      metrics: createMetrics(),
      now: Date.now,
    },
    new AbortController().signal,
  )
  return { store, bus, url }
}

/** Our hub behind its real bus topic: a burst is one batch of trades, one of each named stream. */
export async function ourHub(streams: number) {
  const { bus, url } = await openApi()
  const symbols = Array.from({ length: streams }, (_, stream) => `S${stream}USDT`)
  let id = 0
  const trade = (symbol: string): Trade => ({
    type: 'trade',
    exchange: 'binance',
    symbol,
    id: id++,
    count: 1,
    price: 60123.45 + (id & 255),
    quantity: 0.5 + (id & 63),
    side: id & 1 ? 'buy' : 'sell',
    time: EPOCH + id,
    received: EPOCH + id,
  })
  return {
    port: Number(new URL(url).port),
    publish: (burst: readonly number[]) =>
      bus.publish(
        'trades',
        burst.map((stream) => {
          const symbol = symbols[stream]!
          return { exchange: 'binance', symbol, trades: [trade(symbol)], upTo: EPOCH + id }
        }),
      ),
  }
}
