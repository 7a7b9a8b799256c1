import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClientEvents, disconnectRT, type EventMessage, getRTClient, RTClient } from '@candlewire/client'
import { openExchange, startPlatform, temporary } from './platform.ts'
import { until } from './until.ts'

type Event = keyof ClientEvents

/** Everything that a client is told, by event. */
function listen(client: RTClient) {
  const heard = new Map<Event, EventMessage<Event>[]>()
  const all = <E extends Event>(event: E) => (heard.get(event) ?? []) as EventMessage<E>[]
  const events = 'candle trade subscribed unsubscribed subscriptions pong error lagged open close gap recovered'
  for (const event of events.split(' ') as Event[]) {
    client.on(event, (message) => heard.set(event, [...(heard.get(event) ?? []), message]))
  }
  return all
}

test('the shared client: candles, trades, list, ping, unsubscribe, an error that is told', async (t) => {
  const platform = await startPlatform(t, await openExchange(t), await temporary(t))
  process.env.VITE_WS_URL = platform.ws
  t.after(() => {
    delete process.env.VITE_WS_URL
    disconnectRT()
  })
  const client = getRTClient()
  const all = listen(client)
  client.subscribe('candles', 'BTCUSDT', '1s')
  await client.connect()
  await until('the exchange', () => {
    client.subscribe('trades', 'BTCUSDT')
    return all('subscribed').some(({ data }) => data.type === 'trades')
  })
  client.subscribe('candles', 'BTCUSDT', '1s')
  client.listSubscriptions()
  client.ping()
  await until('a pong', () => all('pong').length)
  await until('both subscriptions', () => all('subscriptions').at(-1)?.data.length === 2 || client.listSubscriptions())
  await until('a forming candle', () => all('candle').some(({ data }) => data.closed === false))
  await until('a closed candle', () => all('candle').some(({ data }) => data.closed === true))
  await until('trades', () => all('trade').length > 20)
  const ids = all('trade').map(({ data }) => Number(data.id))
  assert.deepEqual(
    ids,
    ids.map((_, index) => ids[0]! + index),
    'trades come in order, each once',
  )

  client.unsubscribe('trades', 'BTCUSDT')
  await until('the goodbye', () => all('unsubscribed').length)
  const [trades, candles] = [all('trade').length, all('candle').length]
  await until('more candles', () => all('candle').length > candles + 3)
  assert.equal(all('trade').length, trades, 'no trade after the goodbye')

  const errors = all('error').length
  client.subscribe('trades', 'NOSUCH')
  await until('an error', () => all('error').length > errors)
  assert.match(all('error').at(-1)!.data.message, /NOSUCH/)
  assert.equal(all('gap').length + all('lagged').length, 0)
})

test('a client outlives a restart of the server: its subscriptions come back, and what it missed is told', async (t) => {
  const exchange = await openExchange(t)
  const data = await temporary(t)
  const first = await startPlatform(t, exchange, data)
  const port = new URL(first.url).port
  const client = new RTClient({ url: first.ws, backoff: { firstMs: 50, maxMs: 200, jitter: 0.2 } })
  t.after(() => client.disconnect())
  const all = listen(client)
  client.subscribe('trades', 'BTCUSDT')
  client.subscribe('candles', 'ETHUSDT', '1s')
  await client.connect()
  await until('trades', () => all('trade').length > 20)
  await first.stop()
  await until('the close', () => all('close').length)
  assert.equal(all('close')[0]!.data.code, 1012, 'the server says that it restarts')

  await startPlatform(t, exchange, data, { WEBSOCKET_PORT: port })
  await until('the connection', () => client.connected)
  const before = all('trade').length
  const candles = all('candle').length
  await until('trades again', () => all('trade').length > before + 20)
  await until('candles again', () => all('candle').length > candles + 3)
  assert.deepEqual(all('error'), [])
  assert.equal(all('recovered').length, 2)
  const ids = all('trade').map(({ data }) => Number(data.id))
  assert.equal(new Set(ids).size, ids.length, 'no trade comes twice')
  const jumps = ids.filter((id, index) => index > 0 && id !== ids[index - 1]! + 1)
  const complete = all('recovered').every(({ data }) => data.complete)
  assert.ok(jumps.length === 0 || !complete, 'what did not come is not called complete')
})
