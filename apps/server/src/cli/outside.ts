import { join } from 'node:path'
import type { Bus } from '../bus/bus.ts'
import type { Cache, Channels } from '../cache/cache.ts'
import { memoryCache } from '../cache/memory.ts'
import { redisCache } from '../cache/redis.ts'
import type { Config } from '../config.ts'
import { tellEvents } from '../dispatch/events.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { SharedBudget } from '../lib/budget.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { together } from '../lib/together.ts'
import { rabbitQueue } from '../queue/rabbit.ts'
import { keepNewest } from '../record/newest.ts'

const SECOND = 1_000

/** What this process shares with others, each only where its address is set. */
export interface Outside {
  /** The request budget of all processes with this Redis; absent where this process is alone. */
  budget(exchange: Exchange): SharedBudget | undefined
  /** The channels of Redis, where it is set. */
  readonly channels: (Channels & Pick<Cache, 'status'>) | undefined
  /** The roles that tell others: newest state into Redis, events into RabbitMQ. */
  run(bus: Bus, signal: AbortSignal): Promise<void>
  /** What does not answer, by name. */
  problems(): Record<string, string>
  close(): Promise<void>
}

/** Connects to Redis and RabbitMQ where they are set. A server that does not answer is tried for ever. */
export async function openOutside({
  config,
  log,
  metrics,
}: {
  readonly config: Config
  readonly log: Logger
  readonly metrics: Metrics
}): Promise<Outside> {
  const { redisUrl: url, RABBITMQ_URL, RABBITMQ_EXCHANGE: exchange } = config
  const redis = url === undefined ? undefined : redisCache({ url, log: log.child({ part: 'cache' }), metrics })
  const queueLog = log.child({ part: 'queue' })
  const path = join(config.CANDLEWIRE_DATA, 'outbox.db')
  const queue = RABBITMQ_URL && (await rabbitQueue({ url: RABBITMQ_URL, exchange, path, log: queueLog, metrics }))
  const cache = redis ?? memoryCache()

  return {
    channels: redis,
    budget: ({ id, limits }) => redis?.budget(id, limits.weightWindowMs),
    run(bus, signal) {
      const ttl = {
        tickerTtlMs: config.CACHE_TTL_TICKER * SECOND,
        bookTtlMs: config.CACHE_TTL_ORDERBOOK * SECOND,
      }
      const booksEveryMs = config.RABBITMQ_ORDERBOOK_INTERVAL_MS
      const events = { bus, cache, booksEveryMs, log: log.child({ role: 'events' }), metrics }
      return together(signal, [
        ...(redis ? [(stop: AbortSignal) => keepNewest({ bus, cache: redis, ...ttl }, stop)] : []),
        ...(queue ? [(stop: AbortSignal) => tellEvents({ ...events, queue }, stop)] : []),
      ])
    },
    problems: () => ({
      ...problemOf('redis', redis?.status()),
      ...problemOf('rabbitmq', queue ? queue.status() : undefined),
    }),
    async close() {
      await Promise.all([queue ? queue.close() : undefined, cache.close()])
    },
  }
}

const problemOf = (name: string, status: { connected: boolean; lastError?: string } | undefined) =>
  status && !status.connected ? { [name]: status.lastError ?? 'not connected yet' } : {}
