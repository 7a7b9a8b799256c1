import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, freshStore } from '../../test/roles.ts'
import { aTrade } from '../../test/trades.ts'
import { memoryBus } from '../bus/memory.ts'
import { flatCandle } from '../domain/fill.ts'
import { foldTrades } from '../domain/fold.ts'
import { DAY, MINUTE, timeframe } from '../domain/timeframe.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import { failure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import type { Store } from '../store/store.ts'
import { type RecordDeps, record } from './record.ts'

const START = 1_700_000_100_000
const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const batch = (trades: readonly Trade[], upTo: number, more: Partial<TradeBatch> = {}): TradeBatch => ({
  ...market,
  trades,
  upTo: START + upTo,
  ...more,
})
const tradeAt = (id: number, ms: number) => aTrade({ id, time: START + ms })

function recording(store: Store, change: Partial<RecordDeps> = {}) {
  const bus = memoryBus()
  const stop = new AbortController()
  const deps = { bus, store, tradeRetentionMs: Number.POSITIVE_INFINITY, log: silent, metrics: createMetrics() }
  const running = record({ ...deps, ...change }, stop.signal)
  return {
    bus,
    running,
    stop,
    async end() {
      await eventually(() => bus.depth().every(({ events }) => events === 0))
      stop.abort()
      await running
    },
  }
}

const coverage = async (store: Store) =>
  (await store.coverage(market, 'trades', { from: START - 10_000, to: START + 1_000_000 })).map(
    ({ from, to, state }) => [from - START, to - START, state],
  )

test('trades are stored with what they say of coverage', async (t) => {
  const store = await freshStore(t)
  const { bus, end } = recording(store)
  await bus.publish('trades', [batch([], 0, { hole: { from: 0, to: START } })])
  await bus.publish('trades', [batch([tradeAt(1, 100), tradeAt(2, 900)], 1_000), batch([], 2_000)])
  await bus.publish('trades', [
    batch([tradeAt(9, 9_000)], 10_000, { hole: { from: START + 2_000, to: START + 8_000 } }),
  ])
  await end()
  const range = { from: START, to: START + 20_000 }
  assert.deepEqual(
    (await store.trades(market, range)).map(({ id }) => id),
    [1, 2, 9],
  )
  assert.deepEqual(await coverage(store), [
    [0, 2_000, 'complete'],
    [2_000, 8_000, 'unknown'],
    [8_000, 10_000, 'complete'],
  ])
})

test('a minute without a trade is quiet', async (t) => {
  const store = await freshStore(t)
  const { bus, end } = recording(store)
  await bus.publish('trades', [batch([], 0, { hole: { from: 0, to: START } }), batch([tradeAt(1, 500)], 1_000)])
  for (const upTo of [30_000, 60_000, 61_000, 90_000]) await bus.publish('trades', [batch([], upTo)])
  await bus.publish('trades', [batch([tradeAt(2, 95_000)], 96_000), batch([], 97_000)])
  await end()
  assert.deepEqual(await coverage(store), [
    [0, 1_000, 'complete'],
    [1_000, 90_000, 'quiet'],
    [90_000, 97_000, 'complete'],
  ])
})

test('a second run goes on where the first ended, if the trades do', async (t) => {
  const store = await freshStore(t)
  const first = recording(store)
  await first.bus.publish('trades', [batch([], 0, { hole: { from: 0, to: START } }), batch([tradeAt(1, 500)], 1_000)])
  await first.end()
  const second = recording(store)
  await second.bus.publish('trades', [batch([tradeAt(2, 5_000)], 6_000)])
  await second.end()
  assert.deepEqual(await coverage(store), [[0, 6_000, 'complete']])
  const third = recording(store)
  await third.bus.publish('trades', [batch([tradeAt(7, 8_000)], 9_000)])
  await third.end()
  assert.deepEqual(await coverage(store), [
    [0, 6_000, 'complete'],
    [8_001, 9_000, 'complete'],
  ])
})

test('a halted market is neither complete nor quiet', async (t) => {
  const store = await freshStore(t)
  const { bus, end } = recording(store)
  await bus.publish('trades', [
    batch([tradeAt(1, 500)], 1_000),
    { ...batch([], 90_000), halted: true },
    batch([tradeAt(2, 95_000)], 96_000),
  ])
  await end()
  assert.deepEqual(await coverage(store), [
    [501, 1_000, 'complete'],
    [1_000, 90_000, 'unknown'],
    [90_000, 96_000, 'complete'],
  ])
})

test('a hole does not undo what history knows', async (t) => {
  const store = await freshStore(t)
  await store.cover([{ ...market, series: 'trades', from: START + 1_000, to: START + 3_000, state: 'complete' }])
  const { bus, end } = recording(store)
  await bus.publish('trades', [batch([], 4_000, { hole: { from: START, to: START + 4_000 } })])
  await end()
  assert.deepEqual(await coverage(store), [
    [0, 1_000, 'unknown'],
    [1_000, 3_000, 'complete'],
    [3_000, 4_000, 'unknown'],
  ])
})

test('closed candles are stored, forming and flat ones are not', async (t) => {
  const store = await freshStore(t)
  const { bus, end } = recording(store)
  const candles = foldTrades([tradeAt(1, 0), tradeAt(2, 60_000)], timeframe('1m'))
  const forming = { ...candles[1]!, closed: false }
  await bus.publish('candles', [candles[0]!, forming, flatCandle(market, '1m', START + 120_000, 5)])
  await end()
  assert.deepEqual(await store.candles({ ...market, timeframe: '1m' }, {}), [candles[0]])
})

test('while the store fails, it is asked again and nothing is lost', async (t) => {
  const store = await freshStore(t)
  let failures = 0
  const failing: Store = {
    ...store,
    putTrades: async (trades, covered) => {
      if (failures++ < 2) throw failure('STORE_UNAVAILABLE', { reason: 'test' })
      await store.putTrades(trades, covered)
    },
  }
  const { bus, end } = recording(failing)
  await bus.publish('trades', [batch([tradeAt(1, 500)], 1_000), batch([tradeAt(2, 1_500)], 2_000)])
  await end()
  assert.equal(failures, 3)
  assert.deepEqual(await coverage(store), [[501, 2_000, 'complete']])
})

test('an error that a retry cannot help ends the role', async (t) => {
  const store = await freshStore(t)
  const broken: Store = { ...store, putTrades: async () => Promise.reject(new Error('broken')) }
  const { bus, running } = recording(broken)
  await bus.publish('trades', [batch([tradeAt(1, 500)], 1_000)])
  await assert.rejects(running, /broken/)
})

test('old trades are deleted, and the ledger knows of them', async (t) => {
  const store = await freshStore(t)
  const midnight = Math.ceil(START / DAY) * DAY
  const yesterday = [aTrade({ id: 1, time: START }), aTrade({ id: 2, time: midnight - 1 })]
  await store.putTrades([...yesterday, aTrade({ id: 3, time: midnight })])
  const { end } = recording(store, { tradeRetentionMs: 5_000, pruneEveryMs: 1, now: () => midnight + 2 * MINUTE })
  const range = { from: midnight - DAY, to: midnight + DAY }
  await eventually(async () => (await store.trades(market, range)).length === 1)
  await end()
  const [row, ...more] = await store.ledger(market, range)
  assert.deepEqual(more, [], 'the running day has no row, and its trades stay')
  const { trades, firstId, lastId, pruned } = row!
  assert.deepEqual({ trades, firstId, lastId, pruned }, { trades: 2, firstId: 1, lastId: 2, pruned: true })
})
