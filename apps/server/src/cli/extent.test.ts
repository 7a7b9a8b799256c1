import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Trade } from '../domain/trade.ts'
import { createExtent } from './extent.ts'
import type { FileBatch } from './files.ts'

const DAY_8 = Date.UTC(2024, 7, 8)
const DAY_9 = Date.UTC(2024, 7, 9)
const DAY_10 = Date.UTC(2024, 7, 10)

const trade = (id: number | string, time: number, more: Partial<Trade> = {}): Trade => ({
  type: 'trade',
  exchange: 'binance',
  symbol: 'XUSDT',
  id,
  count: 1,
  price: 1,
  quantity: 1,
  side: 'buy',
  time,
  received: time,
  ...more,
})

const file = (path: string, more: Partial<FileBatch<Trade>> = {}): FileBatch<Trade> => ({
  path,
  items: [],
  bad: [],
  skipped: new Map(),
  rows: 0,
  whole: true,
  seen: undefined,
  shape: 'csv',
  ...more,
})

/** What files with these trades prove. */
function prove(files: readonly [FileBatch<Trade>, readonly Trade[]][], { whole = false, finished = true } = {}) {
  const extent = createExtent(whole, () => finished)
  for (const [batch, trades] of files) {
    for (const one of trades) extent.take(one, batch)
    extent.batchEnd(batch)
  }
  return { covered: extent.covered(), holes: extent.holes().map(({ from, to, trades }) => [from, to, trades]) }
}

const NOON = DAY_8 + 43_200_000

test('without proof, trades are known from after the first to the last', () => {
  const { covered } = prove([[file('x.csv'), [trade(1, NOON), trade(2, NOON + 5)]]])
  assert.deepEqual(covered, { from: NOON + 1, to: NOON + 5 })
})

test('an archive that begins and ends near midnight holds the day; a live recording does not', () => {
  const [begin, end] = [DAY_8 + 11_000, DAY_9 - 30_000]
  assert.deepEqual(prove([[file('x.csv'), [trade(1, begin), trade(2, end)]]]).covered, { from: DAY_8, to: DAY_9 })
  const live = [trade(1, begin, { received: begin + 7 }), trade(2, end, { received: end + 7 })]
  assert.deepEqual(prove([[file('x.csv'), live]]).covered, { from: begin + 1, to: end })
})

test('a file named for its day holds it, unless it is cut', () => {
  const days = [trade(1, NOON), trade(2, NOON + 5)]
  const named = file('X-trades-2024-08-08.csv')
  assert.deepEqual(prove([[named, days]]).covered, { from: DAY_8, to: DAY_9 })
  assert.equal(prove([[named, days]], { finished: false }).covered?.to, NOON + 5)
  assert.equal(prove([[{ ...named, whole: false }, days]]).covered?.to, NOON + 5, 'its last line can not be read')
  assert.deepEqual(prove([[file('x.csv'), days]], { whole: true }).covered, { from: DAY_8, to: DAY_9 })
})

test('a capture is known from its first to its last frame', () => {
  const batch = file('x', { shape: 'frames', seen: { from: NOON - 60_000, to: NOON + 60_000 } })
  assert.deepEqual(prove([[batch, [trade(1, NOON)]]]).covered, { from: NOON - 59_000, to: NOON + 59_000 })
})

test('ids that jump leave a hole, in a file and between two', () => {
  const [a, b] = [file('a.csv'), file('b.csv')]
  assert.deepEqual(prove([[a, [trade(1, NOON, { count: 3 }), trade(4, NOON + 1), trade(7, NOON + 9)]]]).holes, [
    [NOON + 1, NOON + 10, 2],
  ])
  assert.deepEqual(
    prove([
      [a, [trade(1, NOON)]],
      [b, [trade(2, NOON + 9)]],
    ]).holes,
    [],
  )
  assert.deepEqual(
    prove([
      [a, [trade(1, NOON)]],
      [b, [trade(3, NOON + 9)]],
    ]).holes,
    [[NOON, NOON + 10, 1]],
  )
})

test('a day that is missing between two named days is the hole, no more', () => {
  const days: [FileBatch<Trade>, Trade[]][] = [
    [file('X-trades-2024-08-08.csv'), [trade(1, NOON)]],
    [file('X-trades-2024-08-10.csv'), [trade(9, DAY_10 + 5_000_000)]],
  ]
  assert.deepEqual(prove(days).holes, [[DAY_9, DAY_10, 7]])
})

test('trades that came before, or stand after later ones, are refused', () => {
  const extent = createExtent(false, () => true)
  const batch = file('x.csv')
  const taken = [1, 2, 2, 5, 3, 6].map((id) => extent.take(trade(id, NOON + id), batch))
  assert.deepEqual(taken, [true, true, false, true, false, true])
  assert.equal(extent.misplaced(), 1)
})

test('ids that do not count are told apart, and files without them prove nothing about the time between', () => {
  const [a, b] = [file('a.csv'), file('b.csv')]
  const extent = createExtent(false, () => true)
  assert.deepEqual(
    ['x', 'y', 'x'].map((id) => extent.take(trade(id, NOON), a)),
    [true, true, false],
  )
  assert.deepEqual(
    prove([
      [a, [trade('x', NOON)]],
      [b, [trade('y', NOON + 9)]],
    ]).holes,
    [[NOON, NOON + 10, 0]],
  )
})

test('where ids do not count, a bad row puts its whole batch in doubt', () => {
  const bad = [{ file: 'a.csv', line: 2, reason: 'cut' }]
  const [clean, faulty] = [file('a.csv'), file('a.csv', { bad, items: [trade('y', NOON + 5), trade('z', NOON + 9)] })]
  const batches: [FileBatch<Trade>, Trade[]][] = [
    [clean, [trade('x', NOON)]],
    [faulty, [...faulty.items]],
  ]
  assert.deepEqual(prove(batches).holes, [[NOON, NOON + 10, 0]])
})
