import Type from 'typebox'
import { Value } from 'typebox/value'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { type Cache, type ChannelMessage, type Channels, REMEMBER_MS } from './cache.ts'
import { openConnection } from './connection.ts'
import { recent } from './recent.ts'
import { redisBudget } from './redisBudget.ts'
import { luaScript } from './script.ts'

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

/** Messages that one script publishes: more would keep other clients of Redis waiting. */
const CHUNK = 100

/**
 * Notes each id and publishes in one step: a crash can't come in between. KEYS: where ids are noted, empty for none;
 * ARGV: how long (ms), then channel and payload of each.
 */
const publishOnce = luaScript(`
local results = {}
for i = 1, #KEYS do
  if KEYS[i] == '' or redis.call('SET', KEYS[i], '1', 'NX', 'PX', ARGV[1]) then
    results[i] = redis.call('PUBLISH', ARGV[2 * i], ARGV[2 * i + 1])
  else
    results[i] = -1
  end
end
return results`)
const Listeners = Type.Array(Type.Number())

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

  async function publishChunk(messages: readonly ChannelMessage[]): Promise<number[]> {
    const keys = messages.map(({ channel, id }) =>
      id === undefined ? '' : dedupKey(`${channelPrefix}${channel}:${id}`),
    )
    const args = messages.flatMap(({ channel, payload }) => [channelPrefix + channel, payload])
    const reply = await connection.run((client) => publishOnce(client, keys, [String(REMEMBER_MS), ...args]))
    return Value.Parse(Listeners, reply)
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
    async publish(messages) {
      const chunks = Array.from({ length: Math.ceil(messages.length / CHUNK) }, (_, n) =>
        messages.slice(n * CHUNK, (n + 1) * CHUNK),
      )
      const [first = [], ...rest] = chunks
      // Once the server knows the script, the others may follow each other: they keep their order.
      const listeners = first.length > 0 ? await publishChunk(first) : []
      return listeners.concat(...(await Promise.all(rest.map(publishChunk))))
    },
    status: connection.status,
    async ping() {
      await connection.run((client) => client.sendCommand(['PING']))
    },
    close: connection.close,
  }
}
