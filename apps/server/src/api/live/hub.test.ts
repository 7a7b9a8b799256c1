import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { CLOSE } from '@candlewire/protocol'
import * as fc from 'fast-check'
import { candle, MINUTE, T0, trade } from '../../../test/apiFixture.ts'
import type { Received } from '../../../test/liveClient.ts'
import { createMetrics } from '../../lib/metrics.ts'
import type { Batch } from './batch.ts'
import type { Channel } from './channel.ts'
import { createHub } from './hub.ts'

const metrics = createMetrics()
const candles: Channel = { type: 'candles', exchange: 'binance', symbol: 'BTCUSDT', timeframe: '1m' }
const trades: Channel = { type: 'trades', exchange: 'binance', symbol: '*', timeframe: '' }

/** A client whose socket is full or not, as told. */
function connect(hub: ReturnType<typeof createHub>, closeWhenSlow = false) {
  const written: Batch[] = []
  const state = { full: false, drain: () => {}, closed: 0 }
  const client = hub.connect((onDrain) => {
    state.drain = onDrain
    return {
      write: (batch) => {
        written.push(batch)
        return !state.full
      },
      ping: () => {},
      close: (code) => {
        state.closed = code
      },
      destroy: () => {},
    }
  }, closeWhenSlow)
  const received = (): Received[] =>
    written.flatMap((batch) => batch.messages().map((message): Received => JSON.parse(message.text())))
  return { client, state, written, received }
}

const open = (pendingMessages = 1000) => createHub({ pendingMessages, metrics, now: () => T0 })

test('one write per client and turn, the same bytes for clients with the same messages', async () => {
  const hub = open()
  const [a, b, c] = [connect(hub), connect(hub), connect(hub)]
  for (const { client } of [a, b, c]) hub.subscribe(client, trades)
  hub.subscribe(c.client, candles)
  for (let id = 1; id <= 5; id++) hub.publishTrade(trade(id))
  hub.publishCandle(candle(T0))
  await turn()
  assert.deepEqual([a.written.length, b.written.length, c.written.length], [1, 1, 1])
  assert.equal(a.written[0]!.bytes(), b.written[0]!.bytes(), 'the very same buffer')
  assert.equal(c.received().length, 6)
  assert.deepEqual(hub.totals(), { total: 3, active: 3, broadcast: 16, delivered: 16, lastBroadcast: T0 })
  const one = a.written[0]!.messages()[0]!
  assert.deepEqual(a.written[0]!.bytes().subarray(0, one.frame().length), one.frame())
})

test('a slow client loses the oldest and is told which', async () => {
  const hub = open(10)
  const { client, state, received } = connect(hub)
  hub.subscribe(client, trades)
  state.full = true
  hub.publishTrade(trade(1))
  await turn()
  for (let id = 2; id <= 25; id++) hub.publishTrade(trade(id))
  await turn()
  state.full = false
  state.drain()
  hub.publishTrade(trade(26))
  await turn()
  const lagged = received().find(({ type }) => type === 'lagged')
  assert.deepEqual(lagged?.data, {
    dropped: 14,
    channels: [{ type: 'trades', symbol: 'BTCUSDT', exchange: 'binance', from_seq: 2, to_seq: 15 }],
  })
  const ids = received().flatMap(({ type, data }) => (type === 'trade' ? [data.id] : []))
  assert.deepEqual(ids, [1, ...Array.from({ length: 11 }, (_, n) => n + 16)])
  const { broadcast, delivered } = hub.totals()
  assert.deepEqual([broadcast, delivered], [26, 12], 'the difference is what was dropped')
})

test('a forming candle that waits is replaced, a closed one never', async () => {
  const hub = open()
  const { client, state, received } = connect(hub)
  hub.subscribe(client, candles)
  state.full = true
  hub.publishCandle(candle(T0, { closed: false, close: 1 }))
  await turn()
  for (const close of [2, 3, 4]) hub.publishCandle(candle(T0, { closed: false, close }))
  hub.publishCandle(candle(T0, { close: 5 }))
  for (const close of [6, 7]) hub.publishCandle(candle(T0 + MINUTE, { closed: false, close }))
  hub.publishCandle(candle(T0, { close: 8, revision: 1 }))
  await turn()
  state.full = false
  state.drain()
  assert.deepEqual(
    received().map(({ type, seq, data }) => [type, seq, data.close]),
    [
      ['candle', 1, 1],
      ['candle', 5, 5],
      ['candle', 7, 7],
      ['candle', 8, 8],
      ['correction', 9, 8],
    ],
  )
})

test('slow=close closes instead of dropping', async () => {
  const hub = open(3)
  const { client, state } = connect(hub, true)
  hub.subscribe(client, trades)
  state.full = true
  for (let id = 1; id <= 7; id++) hub.publishTrade(trade(id))
  await turn()
  assert.equal(state.closed, CLOSE.slow)
})

test('whatever happens, seq ascends per channel and nothing is lost in silence', async () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('trade' as const), symbol: fc.constantFrom('BTCUSDT', 'ETHUSDT') }),
    fc.record({ kind: fc.constant('candle' as const), minute: fc.nat(3), closed: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('full' as const, 'drain' as const, 'turn' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const hub = open(5)
      const { client, state, received } = connect(hub)
      hub.subscribe(client, trades)
      hub.subscribe(client, candles)
      let published = 0
      for (const each of events) {
        if (each.kind === 'trade') hub.publishTrade(trade(++published, { symbol: each.symbol }))
        else if (each.kind === 'candle') hub.publishCandle(candle(T0 + each.minute * MINUTE, { closed: each.closed }))
        else if (each.kind === 'turn') await turn()
        else if (each.kind === 'full') state.full = true
        else {
          state.full = false
          state.drain()
        }
      }
      await turn()
      state.full = false
      state.drain()
      const last = new Map<string, number>()
      let lost = 0
      for (const { type, data, seq } of received()) {
        if (type === 'lagged') lost += Number(data.dropped)
        if (seq === undefined) continue
        const channel = `${type === 'trade' ? 'trade' : 'candle'} ${data.symbol}`
        assert.ok(seq > (last.get(channel) ?? 0), 'seq ascends')
        last.set(channel, seq)
      }
      const got = received().filter(({ type }) => type === 'trade').length
      assert.ok(got <= published && published <= got + lost, `${published} published, ${got} got, ${lost} lost`)
    }),
    { numRuns: 300 },
  )
})
