import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import * as schemas from '@candlewire/protocol/schemas'
import { Check } from 'typebox/value'
import { candle, MINUTE, startApi, T0, trade } from '../../../test/apiFixture.ts'
import { type LiveClient, liveClient } from '../../../test/liveClient.ts'

type Api = Awaited<ReturnType<typeof startApi>>

const trades = (...ids: number[]) => [
  { exchange: 'binance', symbol: 'BTCUSDT', trades: ids.map((id) => trade(id)), upTo: T0 + 1000 },
]

async function follow(client: LiveClient, message: object) {
  client.send({ action: 'subscribe', ...message })
  const { data } = await client.nextOf('subscribed')
  assert.ok(Check(schemas.SubscribedSchema, data))
  return data
}

/** A client that saw a trade and went away; then more happened. Answers where it was. */
async function left(t: TestContext, api: Api) {
  const client = await liveClient(t, api.ws)
  const { epoch } = await follow(client, { type: 'trades', symbol: 'BTCUSDT' })
  await api.bus.publish('trades', trades(1))
  const { seq } = await client.nextOf('trade')
  client.socket.close()
  await client.closed
  return { epoch, seq }
}

test('a client that comes back gets what it missed, in order, before anything live', async (t) => {
  const api = await startApi(t)
  const recover = await left(t, api)
  await api.bus.publish('trades', trades(2, 3))
  await api.bus.publish('trades', trades(4))
  const client = await liveClient(t, api.ws)
  const ack = await follow(client, { type: 'trades', symbol: 'BTCUSDT', recover })
  assert.deepEqual([ack.recovered, ack.seq, ack.epoch], [true, 4, recover.epoch])
  await api.bus.publish('trades', trades(5))
  await client.next(({ data }) => data.id === 5)
  const got = client.received.filter(({ type }) => type === 'trade').map(({ seq, data }) => [seq, data.id])
  assert.deepEqual(got, [
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
  ])
})

test('closed candles are all there, of a forming one the newest state', async (t) => {
  const api = await startApi(t)
  const first = await liveClient(t, api.ws)
  const { epoch, seq } = await follow(first, { type: 'candles', symbol: 'BTCUSDT' })
  first.socket.close()
  await first.closed
  const forming = (time: number, close: number) => candle(time, { closed: false, close })
  await api.bus.publish('candles', [forming(T0, 44950), forming(T0, 44960), candle(T0)])
  await api.bus.publish('candles', [forming(T0 + MINUTE, 45000), forming(T0 + MINUTE, 45010)])
  const client = await liveClient(t, api.ws)
  await follow(client, { type: 'candles', symbol: 'BTCUSDT', recover: { epoch, seq } })
  await client.next(({ data }) => data.close === 45010)
  const got = client.received.filter(({ type }) => type === 'candle').map((each) => [each.seq, each.data.closed])
  assert.deepEqual(got, [
    [3, true],
    [5, false],
  ])
})

test('a past that does not reach back is said so', async (t) => {
  const api = await startApi(t)
  const recover = await left(t, api)
  const cases = {
    'another epoch': { type: 'trades', symbol: 'BTCUSDT', recover: { ...recover, epoch: 'other' } },
    'a channel nobody followed': { type: 'trades', symbol: 'ETHUSDT', recover },
  }
  for (const [name, message] of Object.entries(cases)) {
    const client = await liveClient(t, api.ws)
    assert.equal((await follow(client, message)).recovered, false, name)
  }
  const ids = Array.from({ length: 1_100 }, (_, index) => index + 2)
  await api.bus.publish('trades', trades(...ids))
  const client = await liveClient(t, api.ws)
  const ack = await follow(client, { type: 'trades', symbol: 'BTCUSDT', recover })
  assert.deepEqual([ack.recovered, ack.seq], [false, 1_101], 'more than 1000 messages ago')
})

test('a pattern with * has no position, and a broken position is refused', async (t) => {
  const api = await startApi(t)
  const client = await liveClient(t, api.ws)
  const ack = await follow(client, { type: 'trades', symbol: '*', recover: { epoch: 'e', seq: 1 } })
  assert.deepEqual([ack.seq, ack.epoch, ack.recovered], [undefined, undefined, false])
  client.send({ action: 'subscribe', type: 'trades', symbol: 'BTCUSDT', recover: { epoch: 'e', seq: -1 } })
  assert.equal((await client.nextOf('error')).data.code, 'INVALID_PARAMETER')
})
