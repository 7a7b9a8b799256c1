import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { Connection } from 'rabbitmq-client'
import { absent, rabbitAt, rabbitUrl } from '../../test/service.ts'
import { until } from '../../test/until.ts'
import type { Bus } from '../bus/bus.ts'
import { memoryBus } from '../bus/memory.ts'
import { memoryCache } from '../cache/memory.ts'
import type { BookUpdate } from '../domain/book.ts'
import type { Ticker } from '../domain/ticker.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import type { OutgoingEvent, Queue } from '../queue/queue.ts'
import { rabbitQueue } from '../queue/rabbit.ts'
import { candle } from '../store/samples.ts'
import { tellEvents } from './events.ts'
import { laravelTime } from './laravel.ts'

const T0 = Date.UTC(2025, 0, 20, 10, 35, 42)
const MARKET = { exchange: 'binance', symbol: 'BTCUSDT' }
const ticker = (fields: Partial<Ticker> = {}): Ticker => ({
  type: 'ticker',
  ...MARKET,
  last: 45050.1,
  bid: 45050,
  open: 44000,
  high: 46000,
  low: 43000.00000001,
  volume: 1234.5,
  quoteVolume: 5.5e7,
  time: T0,
  received: T0 + 5,
  ...fields,
})
const book = (fields: Partial<BookUpdate> = {}): BookUpdate => ({
  type: 'book',
  ...MARKET,
  kind: 'snapshot',
  firstSequence: 5,
  lastSequence: 5,
  bids: [[45049.9, 1.2]],
  asks: [
    [45051, 2],
    [45050.5, 0.00000001],
  ],
  time: T0,
  received: T0,
  ...fields,
})

/** The role on a bus, with a queue that keeps what it is given. */
function start(
  t: TestContext,
  { queue, cache = memoryCache() }: { queue?: Pick<Queue, 'publish'>; cache?: ReturnType<typeof memoryCache> } = {},
) {
  const told: OutgoingEvent[] = []
  const bus = memoryBus()
  const own = { publish: async (events: readonly OutgoingEvent[]) => void told.push(...events) }
  const often = { pricesEveryMs: 20, booksEveryMs: 20, candlesEveryMs: 20 }
  const abort = new AbortController()
  const deps = { bus, queue: queue ?? own, cache, now: () => T0 + 60, ...often, log: silent, metrics: createMetrics() }
  const running = tellEvents(deps, abort.signal)
  const stop = async () => {
    abort.abort()
    await running
  }
  t.after(stop)
  return { bus: bus as Bus, told, stop, cache }
}

const parsed = (events: readonly OutgoingEvent[]) => events.map(({ body }) => JSON.parse(body))

test('the newest price of each market is told at intervals, as decimals and Laravel times', async (t) => {
  const { bus, told, stop } = start(t)
  await bus.publish('tickers', [ticker({ last: 1 }), ticker(), ticker({ symbol: 'ETHUSDT', bid: undefined, ask: 7 })])
  await until('two prices', () => told.length >= 2)
  await stop()
  assert.deepEqual(parsed(told)[0], {
    event: 'crypto.price.updated',
    data: {
      exchange: 'binance',
      symbol: 'BTCUSDT',
      last: '45050.1',
      bid: '45050',
      ask: null,
      high_24h: '46000',
      low_24h: '43000.00000001',
      open_24h: '44000',
      change_24h: '2.3866',
      volume_24h: '1234.5',
      quote_volume_24h: '55000000',
      timestamp: '2025-01-20T10:35:42.000000Z',
    },
    timestamp: '2025-01-20T10:35:42.060000Z',
  })
  assert.deepEqual(
    told.map(({ id }) => id),
    [`crypto.price.updated:binance:BTCUSDT:${T0}:45050.1`, `crypto.price.updated:binance:ETHUSDT:${T0}:45050.1`],
  )
})

test('closed candles are told at once, each revision once; forming ones at intervals, those of seconds never', async (t) => {
  const { bus, told, stop } = start(t)
  const closed = candle({ time: T0 - 42_000, volumeRest: 0 })
  await bus.publish('candles', [
    closed,
    closed,
    candle({ time: T0 - 42_000, revision: 1 }),
    candle({ timeframe: '1s', time: T0 }),
    candle({ timeframe: '5m', time: T0 - 42_000, closed: false }),
  ])
  await until('three candles', () => told.length >= 3)
  await bus.publish('filled', [{ ...MARKET, timeframe: '1m', from: T0 - 42_000, to: T0 + 18_000, candles: 1 }])
  await until('the fill', () => told.length >= 4)
  await stop()
  const bodies = parsed(told)
  assert.deepEqual(
    bodies.slice(0, 3).map(({ data: { timeframe, closed, revision } }) => [timeframe, closed, revision]),
    [
      ['1m', true, 0],
      ['1m', true, 1],
      ['5m', false, 0],
    ],
  )
  assert.deepEqual(bodies[0].data, {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    timeframe: '1m',
    time: '2025-01-20T10:35:00.000000Z',
    close_time: '2025-01-20T10:35:59.999000Z',
    open: '42000.1',
    high: '42010.2',
    low: '41990.3',
    close: '42005.4',
    volume: '12.345',
    quote_volume: '518000.25',
    trades: 321,
    closed: true,
    revision: 0,
    source: 'trades',
  })
  assert.deepEqual(bodies[3].data, {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    timeframe: '1m',
    from: '2025-01-20T10:35:00.000000Z',
    to: '2025-01-20T10:36:00.000000Z',
    count: 1,
  })
})

test('books are told with their best levels when they have changed', async (t) => {
  const { bus, told, stop } = start(t)
  await bus.publish('books', [
    book(),
    book({ kind: 'delta', firstSequence: 6, lastSequence: 9, bids: [[45050, 3]], asks: [[45051, 0]] }),
  ])
  await until('a book', () => told.length >= 1)
  await stop()
  const last = parsed(told).at(-1)
  assert.deepEqual(last.data, {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    bids: [
      ['45050', '3'],
      ['45049.9', '1.2'],
    ],
    asks: [['45050.5', '0.00000001']],
    sequence: 9,
    timestamp: '2025-01-20T10:35:42.000000Z',
  })
})

test('a queue that takes nothing holds nothing up, and is told again', async (t) => {
  const taken: OutgoingEvent[] = []
  let fails = 1
  const queue = {
    publish: async (events: readonly OutgoingEvent[]) => {
      if (fails-- > 0) throw new Error('the disk is full')
      taken.push(...events)
    },
  }
  const { bus, stop } = start(t, { queue })
  const closed = candle({ time: T0 })
  for (let n = 0; n < 3; n++) await bus.publish('candles', [closed])
  await bus.publish('candles', [{ ...closed, revision: 1 }])
  await until('the second', () => taken.some(({ id }) => id.endsWith('closed:1')))
  await stop()
  assert.ok(taken.length <= 2)
})

test('what another process has told is not told again', async (t) => {
  const cache = memoryCache()
  const [first, second] = [start(t, { cache }), start(t, { cache })]
  for (const { bus } of [first, second])
    await bus.publish('candles', [candle({ time: T0 }), candle({ time: T0 + 60_000 })])
  await first.stop()
  await second.stop()
  assert.equal(first.told.length + second.told.length, 2)
})

test('times are printed as Laravel prints them', () => {
  assert.equal(laravelTime(1_705_757_742_031), '2024-01-20T13:35:42.031000Z')
})

describe('with a RabbitMQ', { skip: await absent('rabbitmq', rabbitAt) }, () => {
  test('a PHP application reads all four events', async (t) => {
    const exchange = `test${process.pid}x${Date.now()}`
    const folder = await mkdtemp(join(tmpdir(), 'candlewire-events-'))
    const metrics = createMetrics()
    const path = join(folder, 'outbox.db')
    const queue = await rabbitQueue({ url: rabbitUrl(), exchange, path, log: silent, metrics })
    const script = join(import.meta.dirname, '../../test/laravel.php')
    const php = spawn('php', [script, rabbitAt.host, String(rabbitAt.port), exchange, '4'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines: string[] = []
    createInterface(php.stdout).on('line', (line) => lines.push(line))
    const ended = once(php, 'exit')
    const { bus, stop } = start(t, { queue })
    t.after(async () => {
      php.kill()
      await stop()
      await queue.close()
      const broker = new Connection(rabbitUrl())
      await broker.exchangeDelete({ exchange })
      await broker.close()
      await rm(folder, { recursive: true })
    })
    await until('PHP to listen', () => lines[0] === 'ready' || php.exitCode !== null)
    await bus.publish('tickers', [ticker()])
    await until('the price', () => lines.length === 2 || php.exitCode !== null)
    await bus.publish('books', [book()])
    await until('the book', () => lines.length === 3 || php.exitCode !== null)
    await bus.publish('candles', [candle({ time: T0 - 42_000, volume: 0.1, volumeRest: 0 })])
    await bus.publish('filled', [{ ...MARKET, timeframe: '1m', from: T0, to: T0 + 60_000, candles: 1 }])
    assert.deepEqual(await ended, [0, null])
    const events = lines.slice(1).map((line) => JSON.parse(line))
    assert.deepEqual(events.map(({ event }) => event).sort(), [
      'crypto.historical.updated',
      'crypto.kline.updated',
      'crypto.orderbook.updated',
      'crypto.price.updated',
    ])
    for (const { id, event, content_type, delivery_mode } of events)
      assert.deepEqual(
        [id.startsWith(`${event}:binance:BTCUSDT`), content_type, delivery_mode],
        [true, 'application/json', 2],
      )
    const dataOf = (name: string) => events.find(({ event }) => event === name).data
    assert.equal(dataOf('crypto.price.updated').low_24h, '43000.000000010000000000')
    assert.equal(dataOf('crypto.price.updated').timestamp, '2025-01-20 10:35:42.000000')
    assert.deepEqual(dataOf('crypto.orderbook.updated').asks[0], ['45050.500000000000000000', '0.000000010000000000'])
    assert.equal(dataOf('crypto.kline.updated').volume, '0.100000000000000000')
    assert.equal(dataOf('crypto.historical.updated').to, '2025-01-20 10:36:42.000000')
  })
})
