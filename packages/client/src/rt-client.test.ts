import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WSMessage } from './events.ts'
import { candle, next, testClient, wireServer } from './wire.fixture.ts'

test('subscribe and unsubscribe send what the protocol states', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  await client.connect()
  client.subscribe('candles', 'BTCUSDT', '1m')
  client.subscribe('trades', 'BTCUSDT')
  client.subscribe('news', '*')
  client.unsubscribe('candles', 'BTCUSDT', '1m')
  client.listSubscriptions()
  client.ping()
  assert.deepEqual(await server.received(6), [
    { action: 'subscribe', type: 'candles', symbol: 'BTCUSDT', timeframe: '1m' },
    { action: 'subscribe', type: 'trades', symbol: 'BTCUSDT' },
    { action: 'subscribe', type: 'news', symbol: '*' },
    { action: 'unsubscribe', type: 'candles', symbol: 'BTCUSDT', timeframe: '1m' },
    { action: 'list_subscriptions' },
    { action: 'ping' },
  ])
})

test('connect() gives one promise while connecting and resolves at once when open', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  const first = client.connect()
  assert.equal(client.connect(), first)
  await first
  await client.connect()
  assert.equal(server.sockets.length, 1)
})

test('connect() rejects when nobody listens, and the client connects as soon as somebody does', async (t) => {
  const gone = await wireServer(t)
  await gone.stop()
  const client = testClient(t, gone.url)
  await assert.rejects(client.connect(), /No connection to ws:/)
  client.subscribe('trades', 'BTCUSDT')
  const open = next(client, 'open')
  const server = await wireServer(t, gone.port)
  await open
  assert.deepEqual(await server.received(1), [{ action: 'subscribe', type: 'trades', symbol: 'BTCUSDT' }])
})

test('an address that is none rejects instead of throwing', async (t) => {
  const client = testClient(t, 'not an address')
  await assert.rejects(client.connect(), /No connection to not an address/)
})

test('what is asked before connecting is kept, what was withdrawn is not sent', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  client.subscribe('candles', 'BTCUSDT', '1m')
  client.subscribe('candles', 'ETHUSDT', '1m')
  client.unsubscribe('candles', 'ETHUSDT', '1m')
  client.ping()
  client.ping()
  await client.connect()
  assert.deepEqual(await server.received(2), [
    { action: 'subscribe', type: 'candles', symbol: 'BTCUSDT', timeframe: '1m' },
    { action: 'ping' },
  ])
})

test('after a cut line the subscriptions are restored from where they were', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  const log: string[] = []
  for (const event of ['open', 'close', 'reconnecting', 'recovered']) client.on(event, () => log.push(event))
  await client.connect()
  client.subscribe('candles', 'BTCUSDT', '1m')
  await server.received(1)
  const echo = { type: 'candles', symbol: 'BTCUSDT', timeframe: '1m', exchange: 'binance' }
  server.say({ type: 'subscribed', data: { ...echo, epoch: 'e1', seq: 7 }, timestamp: 1 })
  const arrived = next(client, 'candle')
  server.say(candle(2, { seq: 8 }))
  await arrived
  server.cut()
  const frames = await server.received(2)
  assert.deepEqual(frames[1], {
    action: 'subscribe',
    type: 'candles',
    symbol: 'BTCUSDT',
    timeframe: '1m',
    recover: { epoch: 'e1', seq: 8 },
  })
  const recovered = next(client, 'recovered')
  server.say({ type: 'subscribed', data: { ...echo, epoch: 'e1', seq: 9, recovered: true }, timestamp: 2 })
  assert.deepEqual((await recovered).data, { ...echo, complete: true })
  assert.deepEqual(log, ['open', 'close', 'reconnecting', 'open', 'recovered'])
})

test('a jump in seq is told, once and with its bounds', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  const gaps: unknown[] = []
  client.on('gap', ({ data }) => gaps.push(data))
  await client.connect()
  const trade = (seq: number) => ({
    type: 'trade',
    data: { symbol: 'BTCUSDT', price: 1, quantity: 1, side: 'buy', time: '2025-01-20T10:30:00Z' },
    timestamp: 1,
    seq,
  })
  await server.connections(1)
  for (const seq of [4, 5, 9, 10]) server.say(trade(seq))
  server.say({ type: 'pong', data: {}, timestamp: 1 })
  await next(client, 'pong')
  assert.deepEqual(gaps, [{ type: 'trades', symbol: 'BTCUSDT', from_seq: 6, to_seq: 8 }])
})

test('a pause between two subscriptions is no gap, a correction is counted with its channel', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  const gaps: unknown[] = []
  client.on('gap', ({ data }) => gaps.push(data))
  await client.connect()
  await server.connections(1)
  const { data } = candle(1)
  server.say(candle(1, { seq: 3 }))
  server.say({ type: 'correction', data: { ...data, revision: 1 }, timestamp: 1, seq: 4 })
  server.say(candle(1, { seq: 5 }))
  const { symbol, timeframe, exchange } = data
  server.say({ type: 'subscribed', data: { type: 'candles', symbol, timeframe, exchange }, timestamp: 1 })
  const last = next(client, 'pong')
  server.say(candle(1, { seq: 90 }))
  server.say({ type: 'pong', data: {}, timestamp: 1 })
  await last
  assert.deepEqual(gaps, [])
})

test('a frame that cannot be read is counted and never thrown', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  const seen: WSMessage[] = []
  client.on('candle', (message) => seen.push(message))
  await client.connect()
  await server.connections(1)
  const bad = ['{', '[]', '"text"', '{"type":5,"data":1}', '{"type":"candle"}', { type: 'candle', data: { close: 1 } }]
  for (const frame of bad) server.say(frame)
  server.sockets[0]!.send(Buffer.from([1, 2, 3]))
  const good = next(client, 'candle')
  server.say(candle(3))
  await good
  assert.equal(seen.length, 1)
  assert.deepEqual(client.counters, { received: bad.length + 2, malformed: bad.length + 1 })
})

test('handlers that throw or reject disturb nobody', async (t) => {
  const server = await wireServer(t)
  const reports: string[] = []
  const client = testClient(t, server.url, { report: (event, error) => reports.push(`${event}: ${error}`) })
  await client.connect()
  await server.connections(1)
  const removed = client.on('candle', () => reports.push('removed handler ran'))
  removed()
  client.on('candle', () => {
    throw new Error('sync')
  })
  client.on('candle', async () => {
    throw new Error('async')
  })
  const reached = next(client, 'candle')
  server.say(candle(1))
  await reached
  await new Promise(setImmediate)
  assert.deepEqual(reports, ['candle: Error: sync', 'candle: Error: async'])
})

test('disconnect() ends the connection, rejects a pending connect() and stops retrying', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url)
  const pending = client.connect()
  client.disconnect()
  await assert.rejects(pending, /disconnected/)
  await client.connect()
  const retries: unknown[] = []
  client.on('reconnecting', (message) => retries.push(message))
  client.on('close', () => client.disconnect())
  const closed = next(client, 'close')
  await server.connections(1)
  server.cut()
  await closed
  assert.deepEqual(retries, [], 'a handler of close may end it all')
  assert.equal(client.connected, false)
})

test('silence is met with a ping, and silence after it with a new connection', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url, { heartbeat: { idleMs: 20, answerMs: 20 } })
  const lost = next(client, 'close')
  await client.connect()
  assert.deepEqual(await server.received(1), [{ action: 'ping' }])
  assert.deepEqual((await lost).data, { code: 1006, reason: 'no sign of life' })
  await server.connections(2)
})

test('many subscriptions leave no faster than the server takes them', async (t) => {
  const server = await wireServer(t)
  const client = testClient(t, server.url, { outbox: { burst: 3, perSecond: 200 } })
  for (let i = 0; i < 8; i++) client.subscribe('trades', `S${i}USDT`)
  await client.connect()
  client.unsubscribe('trades', 'S7USDT')
  const frames = await server.received(8)
  assert.deepEqual(frames.at(-1), { action: 'unsubscribe', type: 'trades', symbol: 'S7USDT' }, 'the newest wish wins')
  assert.equal(new Set(frames.map((frame) => frame.symbol)).size, 8)
})
