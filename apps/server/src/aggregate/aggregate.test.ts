import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { eventually, freshStore, runRoles } from '../../test/roles.ts'
import { aTrade, trades } from '../../test/trades.ts'
import type { Candle } from '../domain/candle.ts'
import { foldTrades } from '../domain/fold.ts'
import { timeframe } from '../domain/timeframe.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import type { Store } from '../store/store.ts'

/** Begins a candle of 15m and the second half of one of 2m and 10m. */
const START = 1_700_000_100_000
const MINUTE = 60_000
const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const codes = ['1m', '2m', '10m', '30m']
const END = START + 60 * MINUTE

const batch = (trades: readonly Trade[], upTo: number, more: Partial<TradeBatch> = {}): TradeBatch => ({
  ...market,
  trades,
  upTo,
  ...more,
})
const firstHole = { from: 0, to: START }
const before = (list: readonly Trade[], time: number) => list.filter((trade) => trade.time < time)
const within = (list: readonly Trade[], from: number, to: number) =>
  list.filter(({ time }) => time >= from && time < to)
const plain = ({ revision: _, source: __, ...candle }: Candle) => candle
const stored = (store: Store, code: string) => store.candles({ ...market, timeframe: code }, {})

/** Half an hour of trades before `START`, and some twenty minutes after it. */
const someTrades = trades(fc.integer({ min: 0, max: 100_000 }), START - 30 * MINUTE).filter(
  (list) => list.at(-1)!.time < END - 30 * MINUTE,
)
const longTrades = Array.from({ length: 300 }, (_, i) =>
  aTrade({
    id: i + 1,
    price: 100 + ((i * 37) % 50),
    quantity: ((i % 7) + 1) / 10,
    time: START - 30 * MINUTE + i * 11_700,
  }),
)

/** What backfill does: the exchange's minutes into the store, coverage, word on the bus. */
async function backfill(
  store: Store,
  bus: ReturnType<typeof runRoles>['bus'],
  list: readonly Trade[],
  from: number,
  to: number,
) {
  const minutes = foldTrades(within(list, from, to), timeframe('1m'))
  await store.putCandles(minutes.map((candle) => ({ ...candle, source: 'backfill' })))
  await store.cover([{ ...market, series: '1m', from, to, state: 'complete' }])
  await bus.publish('filled', [{ ...market, timeframe: '1m', from, to, candles: minutes.length }])
}

async function assertStored(store: Store, list: readonly Trade[], from: number): Promise<void> {
  for (const code of codes) {
    const expected = foldTrades(list, timeframe(code)).filter(({ time }) => time >= from)
    const found = (await stored(store, code)).filter(({ time }) => time >= from)
    assert.deepEqual(found.map(plain), expected.map(plain), code)
  }
}

/** Waits until the store has as many candles of the largest timeframe as the trades make, and all is worked off. */
async function allStored(store: Store, list: readonly Trade[], settled: () => Promise<void>): Promise<void> {
  for (const code of codes) {
    const expected = foldTrades(list, timeframe(code)).length
    await eventually(async () => (await stored(store, code)).length >= expected)
  }
  await settled()
}

test('trades come out as stored candles of every timeframe; flat ones are published, not stored', async (t) => {
  const store = await freshStore(t)
  const { bus, candles, settled, end } = runRoles(store, codes)
  const list = [30, 40, 200].map((seconds, i) => aTrade({ id: i + 1, price: i + 1, time: START + seconds * 1_000 }))
  await bus.publish('trades', [batch([], START, { hole: firstHole }), batch(list, START + 6 * MINUTE)])
  await settled()
  await end()
  assert.deepEqual((await stored(store, '1m')).map(plain), foldTrades(list, timeframe('1m')).map(plain))
  const flat = candles.filter(({ closed, source, timeframe: code }) => closed && source === 'filled' && code === '1m')
  assert.deepEqual(
    flat.map(({ time, close }) => [(time - START) / MINUTE, close]),
    [
      [1, 2],
      [2, 2],
      [4, 3],
      [5, 3],
    ],
  )
  const coverage = await store.coverage(market, 'trades', { from: START - MINUTE, to: END })
  assert.deepEqual(
    coverage.map(({ from, to, state }) => [from, to, state]),
    [[START, START + 6 * MINUTE, 'complete']],
  )
})

test('first candles are completed from history, whenever it comes', async (t) => {
  for (const early of [true, false]) {
    const store = await freshStore(t)
    const { bus, candles, settled, end } = runRoles(store, codes)
    await bus.publish('trades', [batch([], START, { hole: firstHole })])
    if (early) await backfill(store, bus, longTrades, START - 45 * MINUTE, START)
    await bus.publish('trades', [batch(within(longTrades, START, END), END + 30 * MINUTE)])
    await settled()
    if (!early) await backfill(store, bus, longTrades, START - 45 * MINUTE, START)
    await allStored(store, longTrades, settled)
    await end()
    await assertStored(store, longTrades, START - 10 * MINUTE)
    const closed = candles.filter((candle) => candle.closed && candle.source !== 'filled')
    const keys = closed.map(({ timeframe: code, time, revision }) => `${code} ${time} ${revision}`)
    assert.equal(new Set(keys).size, keys.length, 'each revision is published once')
    const first = closed.find(({ timeframe: code, time }) => code === '10m' && time < START)!
    assert.deepEqual([first.time, first.source], [START - 5 * MINUTE, 'backfill'])
  }
})

async function restartAt(t: Pick<TestContext, 'after'>, list: readonly Trade[], cut: number): Promise<void> {
  const store = await freshStore(t)
  const from = Math.floor(list[0]!.time / (30 * MINUTE)) * 30 * MINUTE
  const first = runRoles(store, codes)
  const head = list.slice(0, cut)
  await first.bus.publish('trades', [batch([], from, { hole: { from: 0, to: from } })])
  for (const trade of head) await first.bus.publish('trades', [batch([trade], trade.time)])
  await first.settled()
  await first.end()
  const second = runRoles(store, codes)
  const tail = list.slice(cut)
  if (tail.length > 0) await second.bus.publish('trades', [batch(tail, tail.at(-1)!.time)])
  await second.bus.publish('trades', [batch([], END)])
  await allStored(store, list, second.settled)
  await second.end()
  await assertStored(store, list, 0)
}

test('a restart in the middle of candles loses nothing', async (t) => {
  const clean: (() => Promise<void> | void)[] = []
  t.after(async () => {
    for (const one of clean) await one()
  })
  const context = { after: (work?: unknown) => void clean.push(work as () => Promise<void>) }
  await fc.assert(
    fc.asyncProperty(someTrades, fc.double({ min: 0, max: 1, noNaN: true }), async (list, share) => {
      await restartAt(context, list, Math.max(1, Math.floor(list.length * share)))
    }),
    { numRuns: 8 },
  )
})

test('trades recorded whose candles were not are found after a restart', async (t) => {
  const store = await freshStore(t)
  const list = within(longTrades, START, START + 10 * MINUTE)
  const lost = before(list, START + 5 * MINUTE)
  await store.putTrades(lost)
  await store.cover([
    { ...market, series: 'trades', from: START - 20 * MINUTE, to: lost.at(-1)!.time, state: 'complete' },
  ])
  const { bus, settled, end } = runRoles(store, codes)
  await bus.publish('trades', [batch(list.slice(lost.length), END)])
  await allStored(store, list, settled)
  await end()
  await assertStored(store, list, 0)
})

test('candles that a hole touches are made of what history brings', async (t) => {
  const store = await freshStore(t)
  const list = within(longTrades, START + 5 * MINUTE, START + 20 * MINUTE)
  const hole = { from: START + 7 * MINUTE + 20_000, to: START + 9 * MINUTE + 10_000 }
  const { bus, settled, end } = runRoles(store, codes)
  const from = START - 5 * MINUTE - 20 * MINUTE
  await bus.publish('trades', [batch([], from, { hole: { from: 0, to: from } })])
  await bus.publish('trades', [batch(before(list, hole.from), hole.from)])
  await bus.publish('trades', [
    batch(
      list.filter(({ time }) => time >= hole.to),
      END,
      { hole },
    ),
  ])
  await settled()
  const minutes = (await stored(store, '1m')).map(({ time }) => (time - START) / MINUTE)
  assert.deepEqual(
    minutes.filter((minute) => minute >= 7 && minute <= 9),
    [],
  )
  await backfill(store, bus, list, START + 7 * MINUTE, START + 10 * MINUTE)
  await allStored(store, list, settled)
  await end()
  await assertStored(store, list, 0)
})

test('a hole that is filled with its trades later leaves no trace in the candles', async (t) => {
  const store = await freshStore(t)
  const list = within(longTrades, START + 5 * MINUTE, START + 20 * MINUTE)
  const hole = { from: START + 7 * MINUTE + 20_000, to: START + 9 * MINUTE + 10_000 }
  const missing = list.filter(({ time }) => time >= hole.from && time < hole.to)
  const { bus, settled, end } = runRoles(store, codes)
  const from = START - 25 * MINUTE
  await bus.publish('trades', [batch([], from, { hole: { from: 0, to: from } })])
  await bus.publish('trades', [batch(before(list, hole.from), hole.from)])
  const after = list.filter(({ time }) => time >= hole.to)
  await bus.publish('trades', [batch(after, END, { hole })])
  await settled()
  await bus.publish('trades', [batch(missing, END, { filled: hole })])
  await allStored(store, list, settled)
  await end()
  await assertStored(store, list, 0)
  const known = await store.coverage(market, 'trades', { from, to: END })
  assert.deepEqual(
    known.map(({ state }) => state),
    ['complete'],
  )
})

test('new history makes larger candles anew, and a changed one is a revision', async (t) => {
  const store = await freshStore(t)
  const { bus, candles, settled, end } = runRoles(store, codes)
  const from = START - 45 * MINUTE
  const to = START - 15 * MINUTE
  const list = before(longTrades, to).map((trade, i) => ({ ...trade, id: i * 10 }))
  await backfill(store, bus, list, from, to)
  await allStored(store, list, settled)
  assert.deepEqual(candles, [], 'what was not there before is no news')
  const next = list.findIndex(({ time }) => time >= START - 20 * MINUTE)
  const more = [...list, aTrade({ id: next * 10 - 5, price: 500, time: START - 20 * MINUTE })]
  await backfill(store, bus, more, from, to)
  await eventually(() => candles.length === 3)
  await end()
  assert.deepEqual(
    candles.map(({ timeframe: code, revision, high }) => [code, revision, high]),
    [
      ['2m', 1, 500],
      ['10m', 1, 500],
      ['30m', 1, 500],
    ],
  )
  await assertStored(store, more, 0)
})

test('late trades of candles out of memory are put into the stored ones', async (t) => {
  const store = await freshStore(t)
  const { bus, settled, end, metrics } = runRoles(store, ['1m'])
  const list = Array.from({ length: 90 }, (_, i) => aTrade({ id: i + 1, price: 10 + i, time: START + i * MINUTE }))
  await bus.publish('trades', [batch([], START, { hole: firstHole }), batch(list, START + 90 * MINUTE)])
  await settled()
  const late = [500, 600].map((price, i) => aTrade({ id: 91 + i, price, time: START + i + 1 }))
  await bus.publish('trades', [batch(late, START + 90 * MINUTE)])
  await eventually(async () => (await stored(store, '1m'))[0]!.revision === 2)
  await end()
  const [first] = await stored(store, '1m')
  assert.deepEqual(plain(first!), plain(foldTrades([list[0]!, ...late], timeframe('1m'))[0]!))
  const counted = (await metrics.lateTrades.get()).values.map(({ value }) => value)
  assert.deepEqual(counted, [2])
})

test('forming candles are published while trades come', async (t) => {
  const store = await freshStore(t)
  const { bus, candles, end } = runRoles(store, ['1m'])
  await bus.publish('trades', [batch([], START, { hole: firstHole }), batch([aTrade({ time: START + 1 })], START + 2)])
  await eventually(() => candles.some(({ closed }) => !closed))
  await end()
  assert.deepEqual(
    candles.map(({ timeframe: code, closed, trades }) => [code, closed, trades]),
    [['1m', false, 1]],
  )
})
