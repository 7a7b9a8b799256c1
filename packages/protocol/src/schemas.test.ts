import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Check } from 'typebox/value'
import type { ClientMessage, ServerMessage } from './index.ts'
import { CLOSE, worthReconnecting } from './index.ts'
import * as schemas from './schemas.ts'

test("the source's own messages are understood", () => {
  const subscribe: ClientMessage = { action: 'subscribe', type: 'candles', symbol: 'BTCUSDT', timeframe: '1m' }
  assert.ok(Check(schemas.SubscribeMessage, subscribe))
  assert.ok(Check(schemas.SubscribeMessage, { action: 'subscribe', type: 'news', symbol: '*' }))
  assert.ok(Check(schemas.UnsubscribeMessage, { ...subscribe, action: 'unsubscribe' }))
  assert.ok(Check(schemas.ListMessage, { action: 'list_subscriptions' }))
  assert.ok(Check(schemas.PingMessage, { action: 'ping' }))
})

test('types follow the schemas', () => {
  const message: ServerMessage = { type: 'pong', data: { time: 1 }, timestamp: 1 }
  assert.ok(Check(schemas.PongSchema, message.data))
  assert.ok(!Check(schemas.SubscribeMessage, { action: 'subscribe', type: 'candles', symbol: 'BTC USDT' }))
  assert.ok(!Check(schemas.SubscribeMessage, { action: 'subscribe', type: 'books', symbol: 'BTCUSDT' }))
  assert.ok(!Check(schemas.FetchHistoricalBody, { symbol: 'BTCUSDT', lookback_hours: 8761 }))
})

test('a client comes back after all but a clean or a policy close', () => {
  assert.deepEqual(
    Object.values(CLOSE).filter((code) => !worthReconnecting(code)),
    [CLOSE.normal, CLOSE.policy],
  )
})
