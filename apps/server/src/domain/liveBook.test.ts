import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BookUpdate, Level } from './book.ts'
import { createBooks } from './liveBook.ts'

const update = (fields: Partial<BookUpdate>): BookUpdate => ({
  type: 'book',
  exchange: 'binance',
  symbol: 'BTCUSDT',
  kind: 'delta',
  firstSequence: 5,
  lastSequence: 5,
  bids: [],
  asks: [],
  time: 0,
  received: 7,
  ...fields,
})

test('a book is its snapshot and all changes after it, best levels first', () => {
  const side = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(2)), { maxLength: 5 })
  fc.assert(
    fc.property(fc.array(fc.record({ bids: side, asks: side }), { minLength: 1, maxLength: 20 }), (changes) => {
      const books = createBooks(3)
      const model = { bids: new Map<number, number>(), asks: new Map<number, number>() }
      for (const [n, change] of changes.entries()) {
        const sequence = { firstSequence: 10 * n - 2, lastSequence: 10 * n + 7 }
        books.apply(update({ kind: n === 0 ? 'snapshot' : 'delta', ...sequence, ...change }))
        for (const name of ['bids', 'asks'] as const)
          for (const [price, quantity] of change[name])
            if (quantity) model[name].set(price, quantity)
            else model[name].delete(price)
      }
      const [top] = books.takeChanged()
      assert.deepEqual(top?.bids, [...model.bids].sort(([a], [b]) => b - a).slice(0, 3))
      assert.deepEqual(top?.asks, [...model.asks].sort(([a], [b]) => a - b).slice(0, 3))
      assert.deepEqual(books.takeChanged(), [], 'told once')
    }),
  )
})

test('a book that missed a change is forgotten until its next snapshot', () => {
  const books = createBooks(2)
  books.apply(update({ bids: [[1, 1]] }))
  assert.deepEqual(books.takeChanged(), [], 'a change of nothing')
  books.apply(update({ kind: 'snapshot', bids: [[10, 1]] }))
  books.apply(update({ firstSequence: 4, bids: [[99, 1]] }))
  assert.deepEqual(books.takeChanged()[0]?.bids, [[10, 1]], 'a change that it holds already')
  books.apply(update({ firstSequence: 7, lastSequence: 8 }))
  books.apply(update({ firstSequence: 9, lastSequence: 9 }))
  assert.deepEqual(books.takeChanged(), [])
  books.apply(update({ kind: 'snapshot', lastSequence: 20, bids: [[11, 1]] }))
  assert.deepEqual(
    books.takeChanged().map(({ sequence, time }) => [sequence, time]),
    [[20, 7]],
  )
})

test('of a book that is too deep the worst levels go', () => {
  const books = createBooks(2)
  const levels: Level[] = Array.from({ length: 5_000 }, (_, n) => [n + 1, 1])
  books.apply(update({ kind: 'snapshot', bids: levels, asks: levels }))
  const [top] = books.takeChanged()
  assert.deepEqual([top?.bids, top?.asks], [[levels[4_999], levels[4_998]], levels.slice(0, 2)])
})
