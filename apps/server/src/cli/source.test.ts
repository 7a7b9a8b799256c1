import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createClient } from 'redis'
import { absent, redisAt } from '../../test/service.ts'
import { until } from '../../test/until.ts'
import type { Outgoing } from '../bus/kafka/record.ts'
import { freshPrefix, noBroker, openTestBus } from '../bus/kafka/testSupport.ts'
import { redisCache } from '../cache/redis.ts'
import { createDispatcher } from '../dispatch/dispatcher.ts'
import { routedTopics } from '../dispatch/route.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import { kafkaSource } from './source.ts'
import { temporary } from './testSupport.ts'

const skip = noBroker || (await absent('redis', redisAt))

describe('the dispatcher between Kafka and Redis', { skip }, () => {
  test('records of every topic reach their channel unchanged and once, over restarts', async (t) => {
    const symbol = `T${randomUUID().slice(0, 8).toUpperCase()}`
    const topics = routedTopics([symbol], ['1m', '1h'])
    const group = `dispatcher-${symbol}`
    const channelPrefix = `${symbol}:`
    const cache = redisCache({
      url: `redis://${redisAt.host}:${redisAt.port}`,
      channelPrefix,
      log: silent,
      metrics: createMetrics(),
    })
    const listener = createClient({ url: `redis://${redisAt.host}:${redisAt.port}` })
    await listener.connect()
    const heard = new Map<string, string[]>()
    await listener.pSubscribe(`${channelPrefix}*`, (payload, channel) => {
      const topic = channel.slice(channelPrefix.length)
      if (payload.includes(symbol)) heard.set(topic, [...(heard.get(topic) ?? []), payload])
    })
    const store = await openStore(t)
    const { bus: writer, close: closeWriter } = await openTestBus({ prefix: freshPrefix() })
    t.after(async () => {
      await closeWriter()
      await cache.close()
      listener.destroy()
    })

    /** One life of a dispatcher: begins its group, and ends in order. */
    async function start() {
      const { bus, close } = await openTestBus({ prefix: freshPrefix() })
      const stop = new AbortController()
      const source = kafkaSource(bus, group)
      const dispatcher = createDispatcher({
        source,
        topics,
        channels: cache,
        store,
        log: silent,
        metrics: createMetrics(),
      })
      const running = dispatcher.run(stop.signal)
      await until('the topics to be read', () => source.status().connected && source.status().assignments.length > 0)
      return {
        source,
        stop: async () => {
          stop.abort()
          await running
          await close()
        },
      }
    }

    const rounds = 3
    const records = (round: number): Outgoing[] =>
      topics.flatMap((topic) =>
        Array.from({ length: 20 }, (_, n) => ({
          topic,
          key: symbol,
          value: `{ "${symbol}": "${topic}", "n": ${round * 20 + n}, "text": "ü 币 \\u0041" }`,
          headers: {},
        })),
      )
    for (let round = 0; round < rounds; round++) {
      const life = await start()
      await writer.send(records(round))
      await until('all to be heard', () => topics.every((topic) => (heard.get(topic)?.length ?? 0) >= (round + 1) * 20))
      assert.equal(life.source.status().groupId, group)
      await life.stop()
    }
    const sent = Array.from({ length: rounds }, (_, round) => records(round)).flat()
    for (const topic of topics)
      assert.deepEqual(
        heard.get(topic),
        sent.filter((record) => record.topic === topic).map(({ value }) => value),
        topic,
      )
    const kept = await store.messages({ topic: 'orders' })
    assert.equal(kept.filter(({ payload }) => payload.includes(symbol)).length, rounds * 20)
  })
})

async function openStore(t: TestContext) {
  const folder = temporary(t)
  const store = await embeddedStore({ path: join(folder, 'candlewire.db'), log: silent })
  t.after(() => store.close())
  return store
}
