import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Market } from '../domain/market.ts'
import { failure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { tellMarkets } from './tellMarkets.ts'

const list = (...symbols: string[]): Market[] =>
  symbols.map((symbol) => ({
    exchange: 'binance',
    symbol,
    nativeSymbol: symbol,
    base: symbol,
    quote: 'USDT',
    status: 'trading',
    priceDecimals: 2,
    quantityDecimals: 5,
    minQuantity: 0,
  }))
const { signal } = new AbortController()

test('a list waits for a store that is away, and only the newest that waits is stored', async () => {
  const stored: string[][] = []
  let away = 2
  const putMarkets = async (markets: readonly Market[]): Promise<void> => {
    if (away-- > 0) throw failure('STORE_UNAVAILABLE', { reason: 'it is away' })
    stored.push(markets.map(({ symbol }) => symbol))
  }
  const listing = tellMarkets({ putMarkets }, silent, signal)
  listing.put(list('A'))
  listing.put(list('A', 'B'))
  listing.put(list('A', 'C'))
  await listing.settled()
  assert.deepEqual(stored, [['A'], ['A', 'C']])
  listing.put(list('D'))
  await listing.settled()
  assert.deepEqual(stored.at(-1), ['D'])
})

test('a list that the store refuses stops nothing, and at the end nothing is waited for', async () => {
  const refusing = tellMarkets({ putMarkets: () => Promise.reject(new Error('no')) }, silent, signal)
  refusing.put(list('A'))
  await refusing.settled()
  const stop = new AbortController()
  const putMarkets = () => Promise.reject(failure('STORE_UNAVAILABLE', { reason: 'it is away' }))
  const waiting = tellMarkets({ putMarkets }, silent, stop.signal)
  waiting.put(list('A'))
  stop.abort()
  await waiting.settled()
})

test('a store without such a table is not asked', async () => {
  const listing = tellMarkets({}, silent, signal)
  listing.put(list('A'))
  await listing.settled()
})
