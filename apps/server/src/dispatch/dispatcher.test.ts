import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import fastify from 'fastify'
import { createClient } from 'redis'
import { openRelay } from '../../test/relay.ts'
import { absent, redisAt } from '../../test/service.ts'
import { until } from '../../test/until.ts'
import type { Cache, Channels } from '../cache/cache.ts'
import { memoryCache } from '../cache/memory.ts'
import { redisCache } from '../cache/redis.ts'
import { failure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import type { MessageStore } from '../store/store.ts'
import { createDispatcher } from './dispatcher.ts'
import { diagnosticApi, routingStats } from './http.ts'
import { type MemorySource, memorySource, type NewRecord } from './memorySource.ts'
import { messageOf } from './message.ts'
import { routedTopics, routeOf } from './route.ts'

const T0 = Date.UTC(2025, 0, 20, 10, 35, 42)
const SYMBOL = 'BTCUSDT'
const FRAMES = ['1m', '3m', '5m', '15m', '1h', '1d']
const topics = routedTopics([SYMBOL], FRAMES)

async function openStore(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-dispatch-'))
  const store = await embeddedStore({ path: join(folder, 'candlewire.db'), log: silent })
  t.after(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })
  return store
}

type Store = MessageStore & { ping(): Promise<void> }

/** Starts a dispatcher; `stop` resolves when it has ended. */
function start(t: TestContext, source: MemorySource, channels: Cache & Channels, store: Store) {
  const metrics = createMetrics()
  const dispatcher = createDispatcher({ source, topics, channels, store, now: () => T0, log: silent, metrics })
  const abort = new AbortController()
  const running = dispatcher.run(abort.signal)
  const stop = async () => {
    abort.abort()
    await running
  }
  t.after(stop)
  return { dispatcher, metrics, stop }
}

function listen(cache: ReturnType<typeof memoryCache>) {
  const heard: [channel: string, payload: string][] = []
  cache.listen((channel, payload) => void heard.push([channel, payload]))
  return heard
}

const records: NewRecord[] = [
  { topic: 'market.data.BTCUSDT.1m', key: 'binance:BTCUSDT', value: '{"type":"candle", "close":"45050.00"}' },
  { topic: 'market.data.BTCUSDT', value: '{"symbol":"BTCUSDT","close":45050}' },
  { topic: 'signals', value: `{"symbol":"BTCUSDT","time":${T0 - 5},"é":"☃"}`, headers: { 'event-id': 's1' } },
  { topic: 'executions', value: `{"symbol":"ETHUSDT","timestamp":"2025-01-20T10:35:00Z"}` },
  { topic: 'orders', value: 'no JSON at all' },
  { topic: 'analyzer.signals', value: `{"ts":${T0 / 1000}}` },
]

test('each topic goes to the channel of its name, unchanged; those of other services are stored', async (t) => {
  const [source, cache, store] = [memorySource(), memoryCache(), await openStore(t)]
  const heard = listen(cache)
  const { dispatcher } = start(t, source, cache, store)
  source.push(...records)
  await until('all to be committed', () => source.committed() === records.length)
  assert.deepEqual(
    heard,
    records.map(({ topic, value }) => [topic, value]),
  )
  const kept = await Promise.all(
    ['signals', 'executions', 'orders', 'analyzer.signals'].map((topic) => store.messages({ topic })),
  )
  assert.deepEqual(
    kept.flat().map(({ topic, id, symbol, time, payload }) => [topic, id, symbol, time, payload]),
    [
      ['signals', 's1', 'BTCUSDT', T0 - 5, records[2]!.value],
      ['executions', 'executions:0:3', 'ETHUSDT', T0 - 42_000, records[3]!.value],
      ['orders', 'orders:0:4', '', T0, records[4]!.value],
      ['analyzer.signals', 'analyzer.signals:0:5', '', T0, records[5]!.value],
    ],
  )
  const { consumed, routed, persisted, failed, routes } = await dispatcher.status()
  assert.deepEqual({ consumed, routed, persisted, failed }, { consumed: 6, routed: 6, persisted: 4, failed: 0 })
  assert.deepEqual(routes[0], {
    topic: 'market.data.BTCUSDT.1m',
    channel: 'market.data.BTCUSDT.1m',
    count: 1,
    lastAt: T0,
  })
})

test('what is read again after a restart is published and stored no second time', async (t) => {
  const [source, cache, store] = [memorySource({ batch: 2 }), memoryCache(), await openStore(t)]
  const heard = listen(cache)
  let stuck = true
  const deaf: Store = {
    ...store,
    putMessages: (rows) =>
      stuck ? Promise.reject(failure('STORE_UNAVAILABLE', { reason: 'test' })) : store.putMessages(rows),
  }
  const first = start(t, source, cache, deaf)
  source.push(...records)
  await until('all to be heard', () => heard.length === records.length)
  await until('a failure to be stored', async () => (await first.dispatcher.status()).buffered === 4)
  await first.stop()
  assert.equal(source.committed(), 2, 'the first batch had nothing to store')
  stuck = false
  const second = start(t, source, cache, deaf)
  await until('all to be committed', () => source.committed() === records.length)
  assert.equal(heard.length, records.length)
  assert.equal((await second.dispatcher.status()).duplicates, 4)
  assert.equal((await store.messages({ topic: 'signals' })).length, 1)
})

test('a message that the store can’t take holds nothing up', async (t) => {
  const [source, cache, store] = [memorySource(), memoryCache(), await openStore(t)]
  const picky: Store = { ...store, putMessages: () => Promise.reject(new Error('never this one')) }
  const { dispatcher } = start(t, source, cache, picky)
  source.push(...records)
  await until('all to be committed', () => source.committed() === records.length)
  const { failed, errors } = await dispatcher.status()
  assert.deepEqual([failed, errors.at(-1)], [4, { at: T0, message: 'never this one' }])
})

test('health and diagnostics are as documented', async (t) => {
  const [source, cache, store] = [memorySource(), memoryCache(), await openStore(t)]
  let away = false
  const moody = { ...store, ping: () => (away ? Promise.reject(new Error('it sleeps')) : store.ping()) }
  const { dispatcher, metrics } = start(t, source, cache, moody)
  source.push(...records, ...records.map((record) => ({ ...record, id: `${record.topic}!` })))
  await until('all to be committed', () => source.committed() === 12)
  const app = fastify()
  t.after(() => app.close())
  await app.register(diagnosticApi({ dispatcher, now: () => T0 + 2_000 }))
  const get = async (url: string) => (await app.inject(url)).json()
  assert.deepEqual(routingStats(await dispatcher.status()), {
    messages_consumed: 12,
    messages_routed: 11,
    messages_persisted: 8,
    messages_failed: 0,
    messages_duplicate: 1,
    by_topic: {
      'market.data.BTCUSDT.1m': 2,
      'market.data.BTCUSDT': 2,
      signals: 1,
      executions: 2,
      orders: 2,
      'analyzer.signals': 2,
    },
    messages_per_second: 12,
  })
  away = true
  const { status, uptime_seconds, connections, routes, performance, errors } = await get('/diagnostic')
  assert.equal(uptime_seconds, 2)
  assert.equal(status, 'degraded')
  assert.deepEqual(connections, {
    kafka: { connected: true, group_id: 'memory', assignments: [], lag: { all: 0 } },
    redis: { connected: true, latency_ms: 0 },
    store: { connected: false, error: 'it sleeps' },
  })
  const [route] = routes
  assert.deepEqual(route, {
    topic: 'market.data.BTCUSDT.1m',
    channel: 'market.data.BTCUSDT.1m',
    count: 2,
    last_at: '2025-01-20T10:35:42.000Z',
  })
  assert.equal(typeof performance.route_latency_ms.p99, 'number')
  assert.deepEqual([performance.buffered, errors], [0, []])
  assert.match(await metrics.registry.metrics(), /candlewire_routed_total\{topic="orders",channel="orders"\} 2/)
})

test('routes are the topics of the contract, and no others', () => {
  assert.deepEqual(
    topics.map((topic) => routeOf(topic)?.channel),
    topics,
  )
  assert.equal(topics.length, 4 + 1 + FRAMES.length)
  for (const other of ['crypto.news', 'market.data.', 'market.data.A.B', 'signals.x', 'market.data.A.1m.x', ''])
    assert.equal(routeOf(other), undefined)
})

test('nothing that a record says makes it unfit to be stored', () => {
  const of = (value: string, headers = {}) => messageOf({ topic: 'orders', id: 'i', key: '', value, headers }, T0)
  const strange = [
    '',
    'null',
    '[]',
    '7',
    '{"time":{}}',
    '{"time":-1}',
    '{"time":1e300}',
    '{"time":"soon","symbol":7}',
    '{"time":" "}',
  ]
  for (const value of strange) assert.deepEqual([of(value).time, of(value).symbol], [T0, ''], value)
  assert.equal(of('{"time":1705757742.5}').time, 1705757742500)
  assert.equal(of('{"timestamp":"1705757742123"}').time, 1705757742123)
  assert.equal(of('x', { 'ts-exchange': '1705757742123', 'event-id': 'e' }).time, 1705757742123)
  assert.equal(of('a\0b').payload, 'a\uFFFDb')
})

describe('with a Redis', { skip: await absent('redis', redisAt) }, () => {
  test('records reach other programs once, in order, through outages', async (t) => {
    const relay = await openRelay(redisAt)
    const channelPrefix = `test${process.pid}x${Date.now()}:`
    const settings = { channelPrefix, commandMs: 300, retryMs: 50, log: silent, metrics: createMetrics() }
    const cache = redisCache({ url: `redis://127.0.0.1:${relay.port}`, ...settings })
    const plain = createClient({ url: `redis://${redisAt.host}:${redisAt.port}` })
    await plain.connect()
    const heard: [channel: string, payload: string][] = []
    await plain.pSubscribe(`${channelPrefix}*`, (payload, channel) => void heard.push([channel, payload]))
    const [source, store] = [memorySource({ batch: 50 }), await openStore(t)]
    const { dispatcher, stop } = start(t, source, cache, store)
    t.after(async () => {
      await stop()
      await cache.close()
      plain.destroy()
      await relay.close()
    })
    const sent = Array.from({ length: 900 }, (_, n) => ({ topic: n % 3 ? 'orders' : 'signals', value: `{"n":${n}}` }))
    for (const [n, fault] of (['cut', 'hang', undefined] as const).entries()) {
      source.push(...sent.slice(n * 300, n * 300 + 150))
      await until('half to be heard', () => heard.length >= n * 300 + 150)
      if (fault) relay[fault]()
      source.push(...sent.slice(n * 300 + 150, (n + 1) * 300))
      if (fault) await until('the outage to be seen', async () => !(await dispatcher.status()).channels.connected)
      relay.mend()
    }
    await until('all to be committed', () => source.committed() === 900)
    await until('all to be heard', () => heard.length >= 900)
    assert.deepEqual(
      heard,
      sent.map(({ topic, value }) => [channelPrefix + topic, value]),
    )
    assert.equal((await store.messages({ topic: 'orders' })).length, 600)
  })
})
