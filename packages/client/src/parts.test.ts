import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defaultBackoff, retryDelay } from './backoff.ts'
import { readEnv } from './env.ts'
import { readFrame } from './frames.ts'
import { mockSocket } from './mock.ts'
import { RTClient } from './rt-client.ts'
import { disconnectRT, getRTClient } from './shared.ts'
import { next } from './wire.fixture.ts'

test('the first retry comes after 3 s ± 20 %, then doubling to 30 s', () => {
  const bases = [3000, 6000, 12_000, 24_000, 30_000, 30_000]
  bases.forEach((base, attempt) => {
    assert.equal(
      retryDelay(attempt, defaultBackoff, () => 0.5),
      base,
    )
  })
  fc.assert(
    fc.property(fc.nat({ max: 5000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const base = bases[Math.min(attempt, 5)]!
      const delay = retryDelay(attempt, defaultBackoff, () => random)
      assert.ok(delay >= base * 0.8 && delay <= base * 1.2)
    }),
  )
})

test('variables come from Vite, then Node, then the documented defaults', () => {
  assert.deepEqual(readEnv({}, {}), {
    wsUrl: 'ws://localhost:8080/ws/crypto',
    apiUrl: 'http://localhost:8080',
    useMock: false,
  })
  assert.deepEqual(readEnv({ VITE_WS_URL: 'ws://a' }, { VITE_WS_URL: 'ws://b', VITE_USE_MOCK: 'true' }), {
    wsUrl: 'ws://a',
    apiUrl: 'http://localhost:8080',
    useMock: true,
  })
})

test('no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (frame) => {
      readFrame(frame)
    }),
  )
  fc.assert(
    fc.property(fc.constantFrom('candle', 'trade', 'constructor', '__proto__'), fc.jsonValue(), (type, data) => {
      const text = JSON.stringify({ type, data, timestamp: 1 })
      const message = readFrame(text)
      if (type === 'constructor')
        assert.deepEqual(message, JSON.parse(text), 'an event without a shape passes as it is')
    }),
  )
})

test('the shared instance is one until it is disconnected', () => {
  const first = getRTClient()
  assert.equal(getRTClient(), first)
  disconnectRT()
  assert.notEqual(getRTClient(), first)
  disconnectRT()
})

test('the mock speaks the protocol without a server', async () => {
  const client = new RTClient({ openSocket: mockSocket })
  try {
    await client.connect()
    const messages = ['subscribed', 'candle', 'trade', 'subscriptions', 'pong'].map((event) => next(client, event))
    client.subscribe('candles', 'BTCUSDT', '1m')
    client.subscribe('trades', 'BTCUSDT')
    client.listSubscriptions()
    client.ping()
    const [, , , subscriptions] = await Promise.all(messages)
    assert.equal((subscriptions!.data as unknown[]).length, 2)
    assert.equal(client.counters.malformed, 0)
  } finally {
    client.disconnect()
  }
})
