import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { aTrade, trades } from '../../test/trades.ts'
import type { Candle } from './candle.ts'
import { foldTrades, rollUp } from './fold.ts'
import { divides, openTime, timeframe } from './timeframe.ts'

const frames = ['1s', '1m', '5m', '45m', '1h', '4h', '1d', '3d', '1w', '1M'].map(timeframe)
const m1 = timeframe('1m')

const units = (amount: number): bigint => BigInt(Math.round(amount * 1e8))

test('order, duplicates and untradeable trades change nothing', () => {
  const shuffled = trades().chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 })),
  )
  fc.assert(
    fc.property(shuffled, fc.constantFrom(...frames), ([list, mixed], frame) => {
      const noise = [aTrade({ id: -5, price: 0 }), aTrade({ id: -4, quantity: 0 })]
      assert.deepEqual(foldTrades([...mixed, ...noise], frame), foldTrades(list, frame))
    }),
  )
})

test('a roll-up of the smaller candles is the fold of the trades, for every timeframe', () => {
  fc.assert(
    fc.property(trades(), (list) => {
      for (const larger of frames) {
        const direct = foldTrades(list, larger)
        for (const smaller of frames.filter((frame) => divides(frame, larger)))
          assert.deepEqual(
            rollUp(foldTrades(list, smaller).toReversed(), larger),
            direct,
            `${smaller.code} ${larger.code}`,
          )
      }
    }),
    { numRuns: 60 },
  )
})

test('a candle is what its definition says', () => {
  fc.assert(
    fc.property(trades(), fc.constantFrom(...frames), (list, frame) => {
      for (const candle of foldTrades(list, frame)) {
        const inside = list.filter(({ time }) => openTime(frame, time) === candle.time)
        assert.equal(candle.open, inside[0]!.price)
        assert.equal(candle.close, inside.at(-1)!.price)
        assert.equal(candle.high, Math.max(...inside.map(({ price }) => price)))
        assert.equal(candle.low, Math.min(...inside.map(({ price }) => price)))
        assert.equal(
          candle.trades,
          inside.reduce((sum, { count }) => sum + count, 0),
        )
        const sum = inside.reduce((total, { quantity }) => total + units(quantity), 0n)
        assert.equal(candle.volume, Number(`${sum}e-8`))
        const quote = inside.reduce((total, t) => total + (units(t.price) * units(t.quantity)) / 100_000_000n, 0n)
        assert.equal(candle.quoteVolume, Number(`${quote}e-8`))
      }
      const counted = foldTrades(list, frame).reduce((sum, candle) => sum + candle.trades, 0)
      assert.equal(
        counted,
        list.reduce((sum, { count }) => sum + count, 0),
      )
    }),
  )
})

test('open and close are those of the lowest and highest id, whatever arrives first', () => {
  const list = [3, 1, 2].map((id) => aTrade({ id, price: id * 10, time: 1_000 }))
  const [candle] = foldTrades(list, m1)
  assert.deepEqual([candle!.open, candle!.high, candle!.low, candle!.close], [10, 30, 10, 30])
})

test('trades named by text count in the order given', () => {
  const list = ['z', 'a', 'm', 'z'].map((id, i) => aTrade({ id, price: i + 1, time: 1_000 }))
  const [candle] = foldTrades(list, m1)
  assert.deepEqual([candle!.open, candle!.close, candle!.trades], [1, 3, 3])
})

test('nothing gives nothing', () => {
  assert.deepEqual(foldTrades([], m1), [])
  assert.deepEqual(rollUp([], m1), [])
})

test('a flat candle lends no price to a larger one', () => {
  const [traded] = foldTrades([aTrade({ id: 1, price: 10, time: 60_000 })], m1)
  const flat: Candle = { ...traded!, time: 0, open: 5, high: 5, low: 5, close: 5, volume: 0, quoteVolume: 0, trades: 0 }
  assert.deepEqual(rollUp([flat, traded!], timeframe('5m')), [{ ...traded!, timeframe: '5m', time: 0 }])
  assert.deepEqual(rollUp([flat], timeframe('5m')), [])
})

test("a candle that holds one of the exchange's own says so", () => {
  const list = [0, 60_000].map((time, i) => aTrade({ id: i + 1, time }))
  const [first, second] = foldTrades(list, m1)
  const [larger] = rollUp([first!, { ...second!, source: 'exchange' }], timeframe('5m'))
  assert.equal(larger!.source, 'backfill')
})
