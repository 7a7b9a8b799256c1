import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { type Cache, type ChannelMessage, type Channels, REMEMBER_MS } from './cache.ts'
import { openConnection } from './connection.ts'
import { recent } from './recent.ts'
import { redisBudget } from './redisBudget.ts'

export interface RedisSettings {
  /** `redis://…` or `rediss://…` */
  readonly url: string
  /** Put before every channel, not before keys. */
  readonly channelPrefix?: string
  /** How long a command may take, ms. */
  readonly commandMs?: number
  /** Longest pause between two attempts to connect, ms. */
  readonly retryMs?: number
  /** Clock of budgets, ms; the server's by default. */
  readonly budgetNow?: () => number
  readonly log: Logger
  readonly metrics: Metrics
}

/** Ids that this process remembers by itself, for when Redis is away or came back empty. */
const OWN_IDS = 200_000

/** Notes the id and publishes in one step: a crash can't come in between. */
const PUBLISH_ONCE = `if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[3]) then
  return redis.call('PUBLISH', ARGV[1], ARGV[2])
end
return -1`

const dedupKey = (id: string): string => `dedup:${id}`

/**
 * The cache in Redis, and its channels. It need not answer when this is called: it is tried for ever, and meanwhile
 * reads miss, writes are left out, ids are remembered by this process alone, and `publish`, budgets and `ping` reject
 * with `CACHE_UNAVAILABLE`.
 */
export function redisCache({
  channelPrefix = '',
  budgetNow,
  log,
  metrics,
  ...settings
}: RedisSettings): Cache & Channels {
  const connection = openConnection({ ...settings, log })
  const ids = recent({ capacity: OWN_IDS, keepMs: REMEMBER_MS, now: Date.now })
  const count = (result: string) => metrics.cacheRequests.inc({ cache: 'redis', result })

  /** The result, or what stands for it when Redis does not answer. */
  async function orElse<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!isFailure(error)) throw error
      count('error')
      return otherwise
    }
  }

  /** Whether Redis knows the ids; notes them. */
  const noted = (list: readonly string[]): Promise<boolean[]> =>
    connection.run((client) =>
      Promise.all(
        list.map(async (id) => {
          const reply = await client.sendCommand(['SET', dedupKey(id), '1', 'NX', 'PX', String(REMEMBER_MS)])
          return reply === null
        }),
      ),
    )

  const publishOne = ({ channel, payload, id }: ChannelMessage) => {
    const name = channelPrefix + channel
    // The script's text rather than its hash: a hash that is not known yet would come back and lose its place.
    const command =
      id === undefined
        ? ['PUBLISH', name, payload]
        : ['EVAL', PUBLISH_ONCE, '1', dedupKey(`${name}:${id}`), name, payload, String(REMEMBER_MS)]
    return connection.run(async (client) => Number(await client.sendCommand(command)))
  }

  return {
    set: (key, value, ttlMs) =>
      orElse(async () => {
        await connection.run((client) => client.sendCommand(['SET', key, value, 'PX', String(Math.ceil(ttlMs))]))
        count('set')
      }, undefined),
    get: (key) =>
      orElse(async () => {
        const value = await connection.run((client) => client.sendCommand(['GET', key]))
        count(value === null ? 'miss' : 'hit')
        return typeof value === 'string' ? value : undefined
      }, undefined),
    async seen(eventIds) {
      const own = eventIds.map(ids.add)
      const fresh = eventIds.filter((_, index) => !own[index])
      const elsewhere = await orElse(() => noted(fresh), [])
      let next = 0
      return own.map((known) => known || elsewhere[next++] === true)
    },
    async forget(eventIds) {
      eventIds.forEach(ids.delete)
      if (eventIds.length === 0) return
      await orElse(() => connection.run((client) => client.sendCommand(['DEL', ...eventIds.map(dedupKey)])), undefined)
    },
    budget: (exchange, windowMs) => redisBudget(connection, { exchange, windowMs, now: budgetNow }),
    // One connection and one pipeline: they leave in order, in one write.
    publish: (messages) => Promise.all(messages.map(publishOne)),
    status: connection.status,
    async ping() {
      await connection.run((client) => client.sendCommand(['PING']))
    },
    close: connection.close,
  }
}
