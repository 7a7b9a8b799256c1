import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { catalog, startApi, T0, trade } from '../../../test/apiFixture.ts'
import { liveClient, type Received } from '../../../test/liveClient.ts'
import { createMetrics, type Metrics } from '../../lib/metrics.ts'
import { defaultLimits } from '../defaults.ts'
import { createHub } from './hub.ts'
import { createSession } from './session.ts'

const valid = [
  '{"action":"subscribe","type":"candles","symbol":"BTCUSDT","timeframe":"1m"}',
  '{"action":"unsubscribe","type":"trades","symbol":"*","exchange":"*"}',
  '{"action":"subscribe","type":"indicators","symbol":"ETH/USDT","indicator":"macd","timeframe":"*"}',
  '{"action":"list_subscriptions"}',
  '{"action":"ping"}',
]
const unlimited = { messagesPerSecond: 1e9, messageBurst: 1e9, badMessages: 1e9 }

/** Texts of every kind, the same for one seed: noise, JSON of any shape, valid messages with some characters changed. */
function texts(seed: number, count: number): string[] {
  const noise = fc.sample(fc.string({ unit: 'binary', maxLength: 100 }), { seed, numRuns: 2_000 })
  const shapes = fc.sample(fc.json({ maxDepth: 4 }), { seed, numRuns: 2_000 })
  const edits = fc.sample(fc.tuple(fc.nat(200), fc.nat(5), fc.string({ unit: 'grapheme', maxLength: 4 })), {
    seed,
    numRuns: 997,
  })
  return Array.from({ length: count }, (_, n) => {
    const [at, cut, put] = edits[n % edits.length]!
    const base = n % 4 === 0 ? noise[n % 2_000]! : n % 4 === 1 ? shapes[n % 2_000]! : valid[n % valid.length]!
    const place = (at + n) % (base.length + 1)
    return base.slice(0, place) + put + base.slice(place + cut)
  })
}

const refused = async (metrics: Metrics): Promise<number> =>
  (await metrics.refusedMessages.get()).values.reduce((sum, { value }) => sum + value, 0)

test('a hundred thousand frames of any content: each is answered, none throws', async () => {
  const metrics = createMetrics()
  const hub = createHub({ pendingMessages: 1000, metrics, now: () => T0 })
  let answers = 0
  const client = hub.connect(
    () => ({
      write: (batch) => {
        answers += batch.size
        return true
      },
      ping: () => {},
      close: () => {},
      destroy: () => {},
    }),
    false,
  )
  const limits = { ...defaultLimits, ...unlimited }
  const session = createSession(client, { hub, catalog, limits, metrics, now: () => T0 })
  const frames = texts(1, 100_000)
  for (const frame of frames) session.receive(frame)
  await turn()
  assert.equal(answers, frames.length)
  const bad = await refused(metrics)
  assert.ok(bad > 50_000 && bad < frames.length, `${bad} refused`)
})

async function works(t: TestContext, api: Awaited<ReturnType<typeof startApi>>, id: number): Promise<void> {
  const client = await liveClient(t, api.ws)
  client.send({ action: 'subscribe', type: 'trades', symbol: 'BTCUSDT' })
  await client.nextOf('subscribed')
  const trades = [trade(id)]
  await api.bus.publish('trades', [{ exchange: 'binance', symbol: 'BTCUSDT', trades, upTo: T0 + id + 1 }])
  assert.equal((await client.nextOf('trade')).data.id, id)
  client.socket.close()
  await client.closed
}

test('thousands of bad frames over a socket, then normal service', async (t) => {
  const api = await startApi(t, { limits: unlimited })
  const client = await liveClient(t, api.ws)
  const frames = texts(2, 4_000).filter((text) => Buffer.byteLength(text) <= 512)
  for (const frame of frames) client.send(frame)
  client.send('{"action":"ping","last":true}')
  while (client.received.length <= frames.length) await client.next(() => true)
  assert.equal(client.received.length, frames.length + 1, 'one answer each')
  await works(t, api, 1)
})

test('bytes that are no frames end their connection, and only that', async (t) => {
  const api = await startApi(t)
  const { port, hostname } = new URL(api.url)
  const handshake =
    'GET /ws/crypto HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'
  for (let n = 0; n < 50; n++) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(handshake)
    await once(socket, 'data')
    // Unmasked, or of a reserved kind: never a frame a client may send.
    socket.write(Buffer.concat([Buffer.from([0x80 | (n % 16), n % 126]), randomBytes(200)]))
    socket.end()
    socket.resume()
    if (!socket.closed) await once(socket, 'close')
  }
  await works(t, api, 1)
})

test('a client that stops reading gets the newest and the truth about the rest', async (t) => {
  const api = await startApi(t)
  const slow = await liveClient(t, api.ws)
  slow.send({ action: 'subscribe', type: 'trades', symbol: 'BTCUSDT' })
  await slow.nextOf('subscribed')
  slow.socket.pause()
  const dropped = async () =>
    (await api.metrics.messages.get()).values.find(({ labels }) => labels.outcome === 'dropped')?.value ?? 0
  let id = 0
  const publish = async (count: number) => {
    const trades = Array.from({ length: count }, () => trade(++id))
    await api.bus.publish('trades', [{ exchange: 'binance', symbol: 'BTCUSDT', trades, upTo: T0 + id }])
    await turn()
  }
  while ((await dropped()) === 0 && id < 500_000) await publish(1000)
  await publish(1500)
  slow.socket.resume()
  const isLast = ({ type, data }: Received) => type === 'trade' && data.id === id
  await slow.next(isLast)
  const lagged = slow.received.filter(({ type }) => type === 'lagged')
  const lost = lagged.reduce((sum, { data }) => sum + Number(data.dropped), 0)
  const ids = slow.received.flatMap(({ type, data }) => (type === 'trade' ? [Number(data.id)] : []))
  assert.ok(lost > 0)
  assert.equal(ids.length + lost, id)
  assert.ok(ids.every((each, n) => n === 0 || each > ids[n - 1]!))
  await works(t, api, id + 1)
})

test('a client that never drains is cut off', async (t) => {
  const api = await startApi(t, { limits: { writeTimeout: 50 } })
  const stuck = await liveClient(t, api.ws)
  stuck.send({ action: 'subscribe', type: 'trades', symbol: 'BTCUSDT' })
  await stuck.nextOf('subscribed')
  stuck.socket.pause()
  const active = async () => (await api.metrics.clients.get()).values[0]?.value
  for (let id = 1; (await active()) === 1 && id < 20_000_000; id += 1000) {
    const trades = Array.from({ length: 1000 }, (_, n) => trade(id + n))
    await api.bus.publish('trades', [{ exchange: 'binance', symbol: 'BTCUSDT', trades, upTo: T0 + id + 1000 }])
    await turn()
  }
  assert.equal(await active(), 0)
  await works(t, api, 30_000_000)
})
