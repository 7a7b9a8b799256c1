import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { trades } from '../../test/trades.ts'
import { addTrade, clearBar, mergeBar, setCandle, toCandle, WIDTH } from './bar.ts'
import { foldTrades } from './fold.ts'
import { nextOpen, openTime, timeframe } from './timeframe.ts'
import type { Trade } from './trade.ts'

const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const m1 = timeframe('1m')
const h1 = timeframe('1h')
const START = openTime(h1, 1_700_000_000_000)
/** All within one hour, so that one bar holds them. */
const inOneHour = trades(fc.integer({ min: 0, max: 50_000 }), START)

function barOf(some: readonly Trade[]): Float64Array {
  const bar = new Float64Array(WIDTH)
  clearBar(bar, 0, START, nextOpen(h1, START))
  for (const { price, quantity, id, count } of some) addTrade(bar, 0, price, quantity, Number(id), count)
  return bar
}
const merged = (bars: readonly Float64Array[]) => {
  const sum = barOf([])
  for (const bar of bars) mergeBar(sum, 0, bar, 0)
  return toCandle(sum, 0, market, '1h', true)
}

test('any split of the trades into any number of bars, merged in any order and grouping, is the fold of all', () => {
  const split = inOneHour.chain((list) =>
    fc.record({
      list: fc.constant(list),
      part: fc.array(fc.nat(6), { minLength: list.length, maxLength: list.length }),
      order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }),
      group: fc.nat(7),
    }),
  )
  fc.assert(
    fc.property(split, ({ list, part, order, group }) => {
      const [whole] = foldTrades(list, h1)
      const bars = order.map((one) => barOf(list.filter((_, index) => part[index] === one)))
      assert.deepEqual(merged(bars), whole)
      const left = barOf([])
      const right = barOf([])
      for (const [index, bar] of bars.entries()) mergeBar(index < group ? left : right, 0, bar, 0)
      assert.deepEqual(merged([right, left]), whole)
    }),
  )
})

test('a bar of candles goes before what is folded live, wherever the trades are cut', () => {
  const cut = inOneHour.chain((list) => fc.tuple(fc.constant(list), fc.nat(59)))
  fc.assert(
    fc.property(cut, ([list, minute]) => {
      const seam = START + minute * 60_000
      const history = barOf([])
      for (const candle of foldTrades(
        list.filter(({ time }) => time < seam),
        m1,
      )) {
        const one = barOf([])
        setCandle(one, 0, candle)
        mergeBar(history, 0, one, 0)
      }
      const live = barOf(list.filter(({ time }) => time >= seam))
      assert.deepEqual(merged([history, live]), foldTrades(list, h1)[0])
    }),
  )
})
