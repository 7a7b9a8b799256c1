import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bookKey, klinesKey, tickerKey } from './cache.ts'
import { cacheContract } from './contract.ts'
import { memoryCache } from './memory.ts'
import { recent } from './recent.ts'

cacheContract('memory', async (now) => {
  const real = memoryCache()
  const fake = memoryCache({ now })
  const cache = { ...real, budget: fake.budget }
  const listen = async (prefix: string) => {
    const messages: [string, string][] = []
    real.listen((channel, payload) => void (channel.startsWith(prefix) && messages.push([channel, payload])))
    return { messages: () => messages }
  }
  return { cache, listen, close: cache.close }
})

test('recent keys are bounded and go with time, oldest first', () => {
  let time = 0
  const keys = recent({ capacity: 3, keepMs: 100, now: () => time })
  for (const key of ['a', 'b', 'c', 'd']) assert.equal(keys.add(key), false)
  assert.equal(keys.size(), 3)
  assert.deepEqual(['b', 'c', 'd'].map(keys.add), [true, true, true])
  assert.equal(keys.add('a'), false, 'the oldest had gone')
  time = 101
  assert.equal(keys.add('d'), false)
  assert.equal(keys.size(), 1)
})

test('a cache of many values lets the oldest go', async () => {
  const cache = memoryCache()
  for (let n = 0; n <= 10_000; n++) await cache.set(`k${n}`, String(n), 60_000)
  assert.deepEqual([await cache.get('k0'), await cache.get('k1'), await cache.get('k10000')], [undefined, '1', '10000'])
})

test('keys are those that other programs know', () => {
  const market = { exchange: 'binance', symbol: 'BTCUSDT' }
  assert.deepEqual(
    [tickerKey(market), bookKey(market, 20), klinesKey(market, '1m', 100)],
    ['cache:ticker:binance:BTCUSDT', 'cache:orderbook:binance:BTCUSDT:20', 'cache:klines:binance:BTCUSDT:1m:100'],
  )
})
