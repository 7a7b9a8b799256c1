import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bus, Topic, Topics } from '../bus/bus.ts'
import type { Ticker } from '../domain/ticker.ts'
import type { TradeBatch } from '../domain/trade.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { createPublisher } from './publisher.ts'

const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const ticker = (last: number): Ticker => ({
  ...market,
  type: 'ticker',
  last,
  open: 1,
  high: 1,
  low: 1,
  volume: 1,
  quoteVolume: 1,
  time: 1,
  received: 1,
})

test('a bus that fails keeps nothing back: the batch is sent again, intake pauses meanwhile, and nothing comes twice', async () => {
  const got: { topic: Topic; event: Topics[Topic] }[] = []
  const pressed: boolean[] = []
  let failures = 2
  const bus: Bus = {
    async publish(topic, events) {
      if (topic === 'trades' && failures-- > 0) throw new Error('the broker is away')
      for (const event of events) got.push({ topic, event })
    },
    subscribe: () => assert.fail('nobody reads here'),
    depth: () => [],
  }
  let ready: TradeBatch[] = [
    {
      ...market,
      upTo: 5,
      trades: [1, 2, 3].map((id) => ({
        ...market,
        type: 'trade',
        id,
        count: 1,
        price: 1,
        quantity: 1,
        side: 'buy',
        time: id,
        received: id,
      })),
    },
  ]
  const publisher = createPublisher({
    bus,
    log: silent,
    metrics: createMetrics(),
    now: () => 10,
    drain() {
      const leaving = ready
      ready = []
      return leaving
    },
    waiting: () => ready.reduce((sum, { trades }) => sum + trades.length, 0),
    highWater: 2,
    pressure: (high) => pressed.push(high),
  })
  const stop = new AbortController()
  const running = publisher.run(stop.signal)
  const room = publisher.room(stop.signal)
  for (const last of [1, 2, 3]) publisher.ticker(ticker(last))
  publisher.wake()
  await room
  stop.abort()
  await running
  assert.deepEqual(pressed, [true, false])
  assert.deepEqual(
    got.map(({ topic, event }) => (topic === 'tickers' && 'last' in event ? [topic, event.last] : [topic])),
    [['trades'], ['tickers', 3]],
    'of the tickers only the newest',
  )
})
