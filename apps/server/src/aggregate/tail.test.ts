import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, freshStore, runRoles } from '../../test/roles.ts'
import { aTrade } from '../../test/trades.ts'
import { foldTrades } from '../domain/fold.ts'
import { timeframe } from '../domain/timeframe.ts'
import type { Store } from '../store/store.ts'

const START = 1_700_000_100_000
const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const tradeAt = (id: number, ms: number) => aTrade({ id, time: START + ms })
const before = [tradeAt(1, 100), tradeAt(2, 1_200), tradeAt(3, 2_300), tradeAt(4, 2_900)]

/** An earlier process stored trades, but of the last candles one was made too early and one not at all. */
async function leftBehind(store: Store): Promise<void> {
  await store.putTrades(before)
  await store.cover([{ ...market, series: 'trades', from: START, to: START + 5_000, state: 'complete' }])
  await store.putCandles(foldTrades([before[0]!, before[2]!], timeframe('1s')))
}

const stored = async (store: Store, code: string) =>
  (await store.candles({ ...market, timeframe: code }, {})).map(({ time, trades }) => [time - START, trades])

test('what an earlier process left unmade or made too early is made anew from its trades', async (t) => {
  const store = await freshStore(t)
  await leftBehind(store)
  const { bus, end } = runRoles(store, ['1s', '5s', '1m'])
  await bus.publish('trades', [{ ...market, trades: [tradeAt(5, 6_500)], upTo: START + 7_000 }])
  await eventually(async () => (await stored(store, '1s')).length === 4 && (await stored(store, '5s')).length === 1)
  await end()
  assert.deepEqual(await stored(store, '1s'), [
    [0, 1],
    [1_000, 1],
    [2_000, 2],
    [6_000, 1],
  ])
  assert.deepEqual(await stored(store, '5s'), [[0, 4]])
})

test('a trade that comes late into the time before the start is counted in its candles', async (t) => {
  const store = await freshStore(t)
  await leftBehind(store)
  const { bus, end } = runRoles(store, ['1s', '5s', '1m'])
  await bus.publish('trades', [{ ...market, trades: [tradeAt(5, 6_500)], upTo: START + 7_000 }])
  await eventually(async () => (await stored(store, '5s')).length === 1)
  const late = tradeAt(6, 1_900)
  await bus.publish('trades', [{ ...market, trades: [late], upTo: START + 8_000 }])
  await eventually(async () => (await stored(store, '5s'))[0]?.[1] === 5 && (await stored(store, '1s'))[1]?.[1] === 2)
  await end()
})

test('what an earlier process stored alike is not published again; what a hole hides is not made', async (t) => {
  const store = await freshStore(t)
  const list = [tradeAt(1, 100), tradeAt(2, 1_200), tradeAt(3, 9_400), tradeAt(4, 10_300)]
  await store.putTrades(list, [
    { ...market, series: 'trades', from: START, to: START + 2_500, state: 'complete' },
    { ...market, series: 'trades', from: START + 9_000, to: START + 10_400, state: 'complete' },
  ])
  await store.putCandles(foldTrades([list[0]!], timeframe('1s')))
  const { bus, candles, end } = runRoles(store, ['1s', '5s', '1m'])
  await bus.publish('trades', [{ ...market, trades: [tradeAt(5, 11_500)], upTo: START + 13_000 }])
  await eventually(async () => (await stored(store, '1s')).length === 5)
  await end()
  assert.deepEqual(
    (await stored(store, '1s')).map(([time]) => time),
    [0, 1_000, 9_000, 10_000, 11_000],
  )
  const published = candles.filter(({ closed, timeframe: code }) => closed && code === '1s')
  assert.deepEqual(
    published.map(({ time, source }) => [time - START, source]),
    [
      [1_000, 'trades'],
      [9_000, 'trades'],
      [10_000, 'trades'],
      [11_000, 'trades'],
      [12_000, 'filled'],
    ],
  )
  assert.deepEqual(await stored(store, '5s'), [])
})

test('a candle that was repaired from the exchange outlives a restart', async (t) => {
  const store = await freshStore(t)
  await leftBehind(store)
  const [second] = foldTrades(before.slice(1, 2), timeframe('1s'))
  const repaired = { ...second!, high: 999, trades: 7, source: 'exchange' as const, revision: 3 }
  await store.putCandles([repaired])
  const { bus, end } = runRoles(store, ['1s', '5s', '1m'])
  await bus.publish('trades', [{ ...market, trades: [tradeAt(5, 6_500)], upTo: START + 7_000 }])
  await eventually(async () => (await stored(store, '1s')).length === 4)
  await end()
  const found = await store.candles({ ...market, timeframe: '1s' }, { from: START + 1_000, to: START + 1_000 })
  assert.deepEqual(found, [repaired])
})
