import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:http'
import { test } from 'node:test'
import { CLOSE } from '@candlewire/protocol'
import * as schemas from '@candlewire/protocol/schemas'
import { Check } from 'typebox/value'
import { candle, MINUTE, startApi, T0, trade } from '../../../test/apiFixture.ts'
import { liveClient } from '../../../test/liveClient.ts'

const subscribe = (type: string, symbol: string, more: object = {}) => ({ action: 'subscribe', type, symbol, ...more })
const batch = (...trades: ReturnType<typeof trade>[]) => ({
  exchange: 'binance',
  symbol: trades[0]!.symbol,
  trades,
  upTo: T0 + 1000,
})

test('candles and trades reach who asked for them, in the shape of the source', async (t) => {
  const api = await startApi(t)
  const client = await liveClient(t, api.ws)
  client.send(subscribe('candles', 'BTC/USDT', { timeframe: '1m' }))
  const { epoch, ...ack } = (await client.nextOf('subscribed')).data
  assert.equal(typeof epoch, 'string')
  assert.deepEqual(ack, { type: 'candles', symbol: 'BTCUSDT', timeframe: '1m', exchange: 'binance', seq: 0 })
  client.send(subscribe('trades', 'BTCUSDT'))
  await client.nextOf('subscribed')
  await api.bus.publish('candles', [candle(T0, { closed: false }), candle(T0), candle(T0), candle(T0, { revision: 1 })])
  await api.bus.publish('candles', [candle(T0, { symbol: 'ETHUSDT' })])
  await api.bus.publish('trades', [batch(trade(7))])
  const first = await client.nextOf('candle')
  assert.ok(Check(schemas.LiveCandleSchema, first.data))
  assert.deepEqual(first.data, {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    timeframe: '1m',
    time: '2025-01-20T10:30:00Z',
    open: 45000,
    high: 45100.5,
    low: 44900,
    close: 45050.25,
    volume: 1.5,
    closed: false,
  })
  const last = await client.nextOf('trade')
  assert.ok(Check(schemas.LiveTradeSchema, last.data))
  const candles = client.received.filter(({ type }) => type === 'candle' || type === 'correction')
  assert.deepEqual(
    candles.map(({ type, seq, data }) => [type, seq, data.closed]),
    [
      ['candle', 1, false],
      ['candle', 2, true],
      ['candle', 3, true],
      ['correction', 4, true],
    ],
    'a closed candle once per revision',
  )
})

test('the forming candle comes at once after the ack', async (t) => {
  const api = await startApi(t)
  const first = await liveClient(t, api.ws)
  first.send(subscribe('candles', 'BTCUSDT'))
  await first.nextOf('subscribed')
  await api.bus.publish('candles', [candle(T0), candle(T0 + MINUTE, { closed: false })])
  await first.next(({ data }) => data.closed === false)
  const client = await liveClient(t, api.ws)
  client.send(subscribe('candles', '*', { timeframe: '*', exchange: '*' }))
  await client.nextOf('subscribed')
  const forming = await client.nextOf('candle')
  assert.deepEqual([forming.data.closed, forming.data.time, forming.seq], [false, '2025-01-20T10:31:00Z', 2])
})

test('who holds both * and a symbol gets each message once; unsubscribing ends it', async (t) => {
  const api = await startApi(t)
  const client = await liveClient(t, api.ws)
  for (const symbol of ['*', 'BTCUSDT']) client.send(subscribe('trades', symbol))
  client.send(subscribe('trades', 'BTCUSDT', { exchange: '*' }))
  client.send({ action: 'list_subscriptions' })
  const list = await client.nextOf('subscriptions')
  assert.equal(Object.keys(list.data).length, 3)
  await api.bus.publish('trades', [batch(trade(1), trade(2))])
  await client.next(({ seq }) => seq === 2)
  client.send({ ...subscribe('trades', '*'), action: 'unsubscribe' })
  client.send({ ...subscribe('trades', 'BTCUSDT', { exchange: '*' }), action: 'unsubscribe' })
  client.send({ action: 'ping' })
  await client.nextOf('pong')
  await api.bus.publish('trades', [batch(trade(3)), batch(trade(1, { symbol: 'ETHUSDT' }))])
  client.send({ ...subscribe('trades', 'BTCUSDT'), action: 'unsubscribe' })
  await client.nextOf('unsubscribed')
  await api.bus.publish('trades', [batch(trade(4))])
  client.send({ action: 'ping' })
  await client.nextOf('pong')
  const trades = client.received.filter(({ type }) => type === 'trade').map(({ data }) => data.id)
  assert.deepEqual(trades, [1, 2, 3])
})

test('each bad message is answered with its code and the socket stays open', async (t) => {
  const api = await startApi(t)
  const cases: [unknown, string][] = [
    ['{', 'MALFORMED_MESSAGE'],
    ['', 'MALFORMED_MESSAGE'],
    ['[]', 'MALFORMED_MESSAGE'],
    ['null', 'MALFORMED_MESSAGE'],
    ['"subscribe"', 'MALFORMED_MESSAGE'],
    [{}, 'UNKNOWN_ACTION'],
    [{ action: 5 }, 'UNKNOWN_ACTION'],
    [{ action: 'buy' }, 'UNKNOWN_ACTION'],
    [{ action: '__proto__' }, 'UNKNOWN_ACTION'],
    [{ action: 'subscribe' }, 'INVALID_PARAMETER'],
    [subscribe('books', 'BTCUSDT'), 'INVALID_PARAMETER'],
    [{ action: 'subscribe', type: 'trades', symbol: 5 }, 'INVALID_PARAMETER'],
    [subscribe('trades', ''), 'INVALID_PARAMETER'],
    [subscribe('trades', 'X'.repeat(41)), 'INVALID_PARAMETER'],
    [subscribe('candles', 'BTCUSDT', { timeframe: '7m' }), 'INVALID_PARAMETER'],
    [subscribe('candles', 'BTCUSDT', { timeframe: 1 }), 'INVALID_PARAMETER'],
    [subscribe('candles', 'btcusdt'), 'SYMBOL_NOT_FOUND'],
    [subscribe('candles', 'NOPE', { exchange: '*' }), 'SYMBOL_NOT_FOUND'],
    [subscribe('trades', 'BTCUSDT', { exchange: 'nowhere' }), 'EXCHANGE_NOT_FOUND'],
  ]
  const client = await liveClient(t, api.ws)
  for (const [message, code] of cases) {
    client.send(message)
    const error = await client.nextOf('error')
    assert.ok(Check(schemas.LiveErrorSchema, error.data))
    assert.equal(error.data.code, code, JSON.stringify(message))
  }
  client.send(subscribe('indicators', 'BTCUSDT', { indicator: 'rsi' }))
  assert.equal((await client.nextOf('subscribed')).data.timeframe, '1m')
  client.send(subscribe('news', '*'))
  await client.nextOf('subscribed')
})

test('close codes', async (t) => {
  const api = await startApi(t, { limits: { readTimeout: 40, pingInterval: 1e9 } })
  const quiet = await liveClient(t, api.ws, { autoPong: false })
  assert.equal(await quiet.closed, CLOSE.goingAway)

  const patient = await startApi(t, { limits: { messagesPerSecond: 0.001, messageBurst: 2 } })
  const binary = await liveClient(t, patient.ws)
  binary.socket.send(Buffer.from('{}'))
  assert.equal(await binary.closed, CLOSE.binary)
  const big = await liveClient(t, patient.ws)
  big.send(`{"action":"ping","x":"${'x'.repeat(512)}"}`)
  assert.equal(await big.closed, CLOSE.tooBig)
  const exact = await liveClient(t, patient.ws)
  exact.send(`{"action":"ping","x":"${'x'.repeat(512 - 24)}"}`)
  await exact.nextOf('pong')
  const flood = await liveClient(t, patient.ws)
  for (let n = 0; n < 25; n++) flood.send({ action: 'ping' })
  assert.equal(await flood.closed, CLOSE.policy)
  const codes = flood.received.map(({ type, data }) => data.code ?? type)
  assert.deepEqual(codes.slice(0, 3), ['pong', 'pong', 'RATE_LIMITED'])

  patient.stop.abort()
  assert.equal(await exact.closed, CLOSE.restart)
  await patient.done
})

test('handshakes that are refused', async (t) => {
  const api = await startApi(t, { limits: { maxConnections: 1 }, options: { corsOrigins: ['https://a.example'] } })
  const refusal = async (url: string, headers: Record<string, string> = {}) => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
    }
    const request = get(url, { headers: { ...upgrade, ...headers } })
    const [response] = await once(request, 'response')
    response.resume()
    return { status: response.statusCode, retry: response.headers['retry-after'] }
  }
  const at = `${api.url}/ws/crypto`
  assert.equal((await refusal(`${api.url}/elsewhere`)).status, 404)
  assert.equal((await refusal(at, { origin: 'https://b.example' })).status, 403)
  assert.equal((await refusal(at, { 'sec-websocket-key': 'bad' })).status, 400)
  const first = await liveClient(t, api.ws, { origin: 'https://a.example' })
  assert.deepEqual(await refusal(at), { status: 503, retry: '5' })
  first.socket.close()
  await first.closed
})

test('a client that offers compression gets it for long messages', async (t) => {
  const api = await startApi(t)
  const client = await liveClient(t, api.ws, { perMessageDeflate: true })
  assert.match(client.socket.extensions, /permessage-deflate/)
  client.send(subscribe('trades', '*'))
  for (const timeframe of api.catalog.timeframes) client.send(subscribe('candles', 'BTCUSDT', { timeframe }))
  for (const timeframe of api.catalog.timeframes) client.send(subscribe('candles', 'ETHUSDT', { timeframe }))
  client.send({ action: 'list' })
  assert.equal(Object.keys((await client.nextOf('subscriptions')).data).length, 13)
  await api.bus.publish('trades', [batch(trade(1), trade(2), trade(3))])
  await client.next(({ seq }) => seq === 3)
  const plain = await startApi(t, { options: { compression: false } })
  const other = await liveClient(t, plain.ws, { perMessageDeflate: true })
  assert.equal(other.socket.extensions, '')
})

test('who listens to candles is told when a stretch becomes unknown and when it is repaired', async (t) => {
  const api = await startApi(t, { now: () => T0 + 60 * MINUTE })
  const client = await liveClient(t, api.ws)
  client.send(subscribe('candles', 'BTCUSDT', { timeframe: '5m' }))
  await client.nextOf('subscribed')
  const flat = { timeframe: '5m', source: 'filled', volume: 0 } as const
  await api.bus.publish('candles', [candle(T0, { timeframe: '5m' }), candle(T0 + 5 * MINUTE, flat)])
  await client.nextOf('candle')
  assert.equal((await client.nextOf('candle')).data.state, 'quiet')
  const stretch = { exchange: 'binance', symbol: 'BTCUSDT', from: T0 + 6 * MINUTE, to: T0 + 8 * MINUTE }
  await api.store.cover([{ ...stretch, series: 'trades', state: 'unknown' }])
  await api.bus.publish('gaps', [stretch])
  const lost = await client.nextOf('coverage')
  assert.ok(Check(schemas.CoverageSchema, lost.data))
  assert.deepEqual(lost.data, {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    timeframe: '5m',
    from: '2025-01-20T10:35:00Z',
    to: '2025-01-20T10:40:00Z',
    status: 'unknown',
  })
  await api.bus.publish('trades', [{ ...batch(trade(7)), hole: { from: T0 + 11 * MINUTE, to: T0 + 12 * MINUTE } }])
  assert.equal((await client.nextOf('coverage')).data.from, '2025-01-20T10:40:00Z')
  await api.bus.publish('filled', [{ ...stretch, timeframe: '1m', candles: 2 }])
  assert.equal((await client.nextOf('coverage')).data.status, 'repaired')
})
