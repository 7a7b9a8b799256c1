import { loadConfig } from '../config.ts'
import { createRestClient } from '../exchanges/client.ts'
import { exchange as exchangeOf } from '../exchanges/index.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { createLog } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import type { CommandContext } from './context.ts'
import { databaseStore } from './store.ts'

/** What commands get from the real process: its streams, the store, the exchanges at their addresses. */
export function processContext(signal: AbortSignal): CommandContext {
  const log = createLog({ level: process.env.LOG_LEVEL ?? 'warn', pretty: process.stderr.isTTY })
  const clients = new Map<string, RestClient>()
  return {
    signal,
    out: process.stdout,
    err: process.stderr,
    env: process.env,
    exit(code) {
      process.exitCode = code
    },
    openStore: async (path) => {
      const store = await databaseStore(loadConfig().databases, log)
      return store ?? embeddedStore({ path, log })
    },
    restClient(id) {
      const known = clients.get(id)
      if (known) return known
      const exchange = exchangeOf(id)
      const config = loadConfig()
      const client = createRestClient({
        exchange,
        url: config.urls[id]?.rest ?? exchange.restUrl,
        weightLimit: config.rateLimits[id],
        log,
        metrics: createMetrics(),
      })
      clients.set(id, client)
      return client
    },
  }
}

/** Where an exchange streams from. Throws `EXCHANGE_NOT_FOUND`. */
export function streamUrl(id: string): string {
  const { wsUrl } = exchangeOf(id)
  return loadConfig().urls[id]?.ws ?? wsUrl
}
