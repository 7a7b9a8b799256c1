import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../test/until.ts'
import { memoryBus } from '../bus/memory.ts'
import { memoryCache } from '../cache/memory.ts'
import { keepNewest } from './newest.ts'

const MARKET = { exchange: 'binance', symbol: 'BTCUSDT' }
const T0 = Date.UTC(2025, 0, 20)

test('newest tickers and books are in the cache, as REST prints them', async (t) => {
  const [bus, cache, stop] = [memoryBus(), memoryCache({ now: () => T0 }), new AbortController()]
  const running = keepNewest({ bus, cache, tickerTtlMs: 40, bookTtlMs: 40 }, stop.signal)
  t.after(async () => {
    stop.abort()
    await running
  })
  const figures = { open: 100, high: 120, low: 90, volume: 5, quoteVolume: 500, received: T0 }
  await bus.publish('tickers', [
    { type: 'ticker', ...MARKET, last: 1, ...figures, time: T0 - 1 },
    { type: 'ticker', ...MARKET, last: 110, bid: 109.5, ...figures, time: T0 },
  ])
  const sequence = { firstSequence: 1, lastSequence: 7 }
  const levels = { bids: [[109.5, 2]], asks: [[110.5, 3]] } as const
  await bus.publish('books', [
    { type: 'book', ...MARKET, kind: 'snapshot', ...sequence, ...levels, time: T0, received: T0 },
  ])
  const read = async (key: string) => JSON.parse(await until(key, () => cache.get(key)))
  assert.deepEqual(await read('cache:ticker:binance:BTCUSDT'), {
    ...MARKET,
    last: 110,
    bid: 109.5,
    ask: null,
    high_24h: 120,
    low_24h: 90,
    open_24h: 100,
    change_24h: 10,
    volume_24h: 5,
    quote_volume_24h: 500,
    timestamp: '2025-01-20T00:00:00.000Z',
  })
  assert.deepEqual(await read('cache:orderbook:binance:BTCUSDT:20'), {
    ...MARKET,
    bids: [[109.5, 2]],
    asks: [[110.5, 3]],
    sequence: 7,
    timestamp: '2025-01-20T00:00:00.000Z',
  })
})
