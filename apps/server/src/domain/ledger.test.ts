import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { aTrade } from '../../test/trades.ts'
import { foldDay } from './ledger.ts'
import { DAY } from './timeframe.ts'
import type { Trade } from './trade.ts'

const T0 = Date.UTC(2024, 7, 8)
/** A store of these trades, which gives them in any order. */
const reader = (trades: readonly Trade[]) => async (range: { from: number; to: number }) =>
  trades.filter(({ time }) => time >= range.from && time < range.to)

const anyTrades = fc
  .uniqueArray(fc.record({ id: fc.nat(60), time: fc.integer({ min: 0, max: DAY - 1 }), price: fc.nat(5) }), {
    selector: ({ id }) => id,
    maxLength: 40,
  })
  .map((list) => list.map(({ id, time, price }) => aTrade({ id, time: T0 + time, price: 1 + price / 8 })))

test('the hash is that of its lines by time and id, in whatever order the trades come', async () => {
  await fc.assert(
    fc.asyncProperty(anyTrades, fc.infiniteStream(fc.nat()), fc.boolean(), async (trades, random, named) => {
      const list = named ? trades.map((trade): Trade => ({ ...trade, id: `t${trade.id}` })) : trades
      const keys = new Map(list.map((trade) => [trade, random.next().value ?? 0]))
      const shuffled = list.toSorted((a, b) => keys.get(a)! - keys.get(b)!)
      const fold = await foldDay(T0, reader(list))
      assert.deepEqual(await foldDay(T0, reader(shuffled)), fold)
      const byId = (a: Trade, b: Trade) => (named ? (a.id < b.id ? -1 : 1) : Number(a.id) - Number(b.id))
      const lines = list
        .toSorted((a, b) => a.time - b.time || byId(a, b))
        .map((one) => `${one.id},${one.count},${one.price},${one.quantity},${one.side},${one.time}\n`)
      assert.equal(fold.hash, createHash('sha256').update(lines.join('')).digest('hex'))
    }),
    { numRuns: 60 },
  )
})

test('any change of any trade changes the hash', async () => {
  const trades = [1, 2, 3].map((id) => aTrade({ id, time: T0 + id }))
  const { hash } = await foldDay(T0, reader(trades))
  const changes: Partial<Trade>[] = [{ id: 9 }, { price: 7 }, { quantity: 7 }, { time: T0 + 5 }, { count: 2 }]
  const side = trades[1]!.side === 'buy' ? 'sell' : 'buy'
  for (const change of [...changes, { side } as const]) {
    const other = trades.map((trade, n) => (n === 1 ? { ...trade, ...change } : trade))
    assert.notEqual((await foldDay(T0, reader(other))).hash, hash)
  }
})

test('missing ids and doubled ones are found, wherever in the day they lie', async () => {
  await fc.assert(
    fc.asyncProperty(anyTrades, async (trades) => {
      const fold = await foldDay(T0, reader(trades))
      const ids = new Set(trades.map(({ id }) => Number(id)))
      const [low, high] = [Math.min(...ids), Math.max(...ids)]
      const absent = Array.from({ length: 61 }, (_, id) => id).filter((id) => id > low && id < high && !ids.has(id))
      const found = fold.holes.flatMap(({ firstId, endId }) =>
        Array.from({ length: endId - firstId }, (_, n) => firstId + n),
      )
      assert.deepEqual(
        found.toSorted((a, b) => a - b),
        absent,
      )
      assert.deepEqual(fold.doubled, [])
      assert.equal(fold.trades, trades.length)
      assert.deepEqual([fold.firstId, fold.lastId], trades.length ? [low, high] : [undefined, undefined])
    }),
    { numRuns: 60 },
  )
  const overlapping = [
    aTrade({ id: 1, count: 3, time: T0 }),
    aTrade({ id: 3, time: T0 + 1 }),
    aTrade({ id: 4, time: T0 + 2 }),
  ]
  const fold = await foldDay(T0, reader(overlapping))
  assert.deepEqual([fold.doubled, fold.holes, fold.lastId, fold.trades, fold.rows], [[3], [], 4, 5, 3])
})
