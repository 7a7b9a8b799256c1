// A process of its own for tests of the shared budget: asks an exchange for candles as fast as its budget lets it.
// Arguments: the exchange's address, Redis's address, name of the budget, limit, window in ms, how many requests.
import { redisCache } from '../src/cache/redis.ts'
import { createRestClient } from '../src/exchanges/client.ts'
import { exchange } from '../src/exchanges/index.ts'
import { silent } from '../src/lib/log.ts'
import { createMetrics } from '../src/lib/metrics.ts'

const [url = '', redisUrl = '', name = '', limit = '', window = '', requests = ''] = process.argv.slice(2)
const windowMs = Number(window)
const metrics = createMetrics()
const cache = redisCache({ url: redisUrl, commandMs: 500, retryMs: 50, log: silent, metrics })
const binance = exchange('binance')
const client = createRestClient({
  exchange: { ...binance, usedWeight: () => undefined, limits: { ...binance.limits, weightWindowMs: windowMs } },
  url,
  share: 1,
  weightLimit: Number(limit),
  sharedBudget: cache.budget(name, windowMs),
  log: silent,
  metrics,
})

console.log('ready')
const results = await Promise.allSettled(
  Array.from({ length: Number(requests) }, () => client.ask(binance.rest.time(), { priority: 'backfill' })),
)
const failed = results.filter(({ status }) => status === 'rejected').length
console.log(`done ${results.length - failed} ${failed}`)
await cache.close()
