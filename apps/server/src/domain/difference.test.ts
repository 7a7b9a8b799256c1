import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aTrade } from '../../test/trades.ts'
import { explainDifference } from './difference.ts'
import { flatCandle } from './fill.ts'
import { foldTrades } from './fold.ts'
import { timeframe } from './timeframe.ts'

const m1 = timeframe('1m')
const trades = [10, 11, 12, 13].map((id) => aTrade({ id, price: id, quantity: 2, time: id * 1_000 }))
const whole = foldTrades(trades, m1)[0]!
const some = foldTrades(trades.slice(0, 3), m1)[0]!
const revised = { ...whole, source: 'backfill' } as const

test("with the exchange's own trades each kind is told for certain", () => {
  const told = { ours: some, theirs: whole, stored: trades.slice(0, 3), whole: false, given: trades }
  assert.equal(explainDifference({ ...told, last: trades[2] }), 'late', 'ids after our newest are on their way')
  assert.equal(explainDifference({ ...told, last: aTrade({ id: 99 }) }), 'missing_trade')
  const more = { ours: whole, theirs: some, stored: trades, whole: false, given: trades.slice(0, 3) }
  assert.equal(explainDifference(more), 'extra_trade')
  const same = { stored: trades, whole: false, given: trades }
  assert.equal(explainDifference({ ...same, ours: { ...whole, high: 99 }, theirs: whole }), 'damaged')
  assert.equal(explainDifference({ ...same, ours: whole, theirs: { ...whole, volume: 9 } }), 'block_trade')
  assert.equal(explainDifference({ ...same, ours: whole, theirs: { ...whole, high: 99 } }), 'unexplained')
})

test('where our trades were deleted, source and counts tell', () => {
  const gone = { stored: [], whole: false, given: trades }
  assert.equal(explainDifference({ ...gone, ours: some, theirs: whole }), 'missing_trade')
  assert.equal(explainDifference({ ...gone, ours: { ...whole, low: 1 }, theirs: whole }), 'damaged')
  assert.equal(explainDifference({ ...gone, ours: { ...revised, low: 1 }, theirs: whole }), 'exchange_revision')
  const flat = flatCandle(whole, '1m', 0, 10)
  assert.equal(explainDifference({ ...gone, ours: flat, theirs: whole }), 'missing_trade')
})

test('without them the stored trades and the counts tell', () => {
  const stored = { stored: trades, whole: true }
  assert.equal(explainDifference({ ...stored, ours: { ...whole, high: 99 }, theirs: whole }), 'damaged')
  assert.equal(explainDifference({ ...stored, ours: whole, theirs: { ...whole, volume: 9 } }), 'block_trade')
  assert.equal(
    explainDifference({ ...stored, ours: whole, theirs: { ...whole, volume: 9, trades: 5 } }),
    'missing_trade',
  )
  assert.equal(
    explainDifference({ ...stored, whole: false, ours: whole, theirs: { ...whole, volume: 9 } }),
    'missing_trade',
  )
  assert.equal(explainDifference({ ...stored, ours: whole, theirs: some }), 'extra_trade')
  assert.equal(explainDifference({ ...stored, ours: whole, theirs: { ...whole, close: 12 } }), 'unexplained')
  const bare = { stored: [], whole: false }
  assert.equal(explainDifference({ ...bare, ours: { ...revised, low: 1 }, theirs: whole }), 'exchange_revision')
  assert.equal(explainDifference({ ...bare, ours: some, theirs: whole }), 'missing_trade')
})

test('a volume that only its rounding sets apart is a matter of precision', () => {
  const theirs = { ...whole, quoteVolume: whole.quoteVolume + 1e-11, quoteVolumeRest: 0 }
  const evidence = {
    ours: { ...whole, quoteVolume: whole.quoteVolume * (1 + 2e-13) },
    theirs,
    stored: [],
    whole: false,
  }
  assert.equal(explainDifference(evidence), 'precision')
})
