import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, freshStore } from '../../test/roles.ts'
import { aTrade } from '../../test/trades.ts'
import { memoryBus } from '../bus/memory.ts'
import { foldTrades } from '../domain/fold.ts'
import { timeframe } from '../domain/timeframe.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import type { Store } from '../store/store.ts'
import { aggregate } from './aggregate.ts'

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

function running(store: Store) {
  const bus = memoryBus()
  const stop = new AbortController()
  const timeframes = ['1s', '5s', '1m']
  const deps = { bus, store, timeframes, latenessMs: 0, settleMs: 10, log: silent, metrics: createMetrics() }
  const done = aggregate(deps, stop.signal)
  return {
    bus,
    async end() {
      stop.abort()
      await done
    },
  }
}

const stored = async (store: Store, code: string) =>
  (await store.candles({ ...market, timeframe: code }, {})).map(({ time, trades }) => [time - START, trades])

test('what an earlier process left unmade or made too early is made anew from its trades', async (t) => {
  const store = await freshStore(t)
  await leftBehind(store)
  const { bus, end } = running(store)
  await bus.publish('trades', [{ ...market, trades: [tradeAt(5, 6_500)], upTo: START + 7_000 }])
  await eventually(async () => (await stored(store, '1s')).length === 3 && (await stored(store, '5s')).length === 1)
  await end()
  assert.deepEqual(await stored(store, '1s'), [
    [0, 1],
    [1_000, 1],
    [2_000, 2],
  ])
  assert.deepEqual(await stored(store, '5s'), [[0, 4]])
})

test('a trade that comes late into the time before the start is counted in its candles', async (t) => {
  const store = await freshStore(t)
  await leftBehind(store)
  const { bus, end } = running(store)
  await bus.publish('trades', [{ ...market, trades: [tradeAt(5, 6_500)], upTo: START + 7_000 }])
  await eventually(async () => (await stored(store, '5s')).length === 1)
  const late = tradeAt(6, 1_900)
  await store.putTrades([late])
  await bus.publish('trades', [{ ...market, trades: [late], upTo: START + 8_000 }])
  await eventually(async () => (await stored(store, '5s'))[0]?.[1] === 5 && (await stored(store, '1s'))[1]?.[1] === 2)
  await end()
})
