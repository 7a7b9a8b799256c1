import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Candle } from '../domain/candle.ts'
import { foldTrades } from '../domain/fold.ts'
import { timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import { createLadder } from './ladder.ts'

const market = { exchange: 'binance', symbol: 'XUSDT' }
const START = Date.UTC(2024, 1, 28, 23, 59)
const step = fc.record({
  wait: fc.oneof(fc.nat(3_000), fc.nat(90_000_000)),
  price: fc.integer({ min: 1, max: 1_000_000 }),
  quantity: fc.integer({ min: 1, max: 1_000_000_000 }),
  count: fc.integer({ min: 1, max: 3 }),
})

function tradesOf(steps: readonly { wait: number; price: number; quantity: number; count: number }[]): Trade[] {
  let [id, time] = [1_000, START]
  return steps.map(({ wait, price, quantity, count }) => {
    time += wait
    id += count
    return {
      ...market,
      type: 'trade',
      id: id - count,
      count,
      price: price / 100,
      quantity: quantity / 1e8,
      side: 'buy',
      time,
      received: time,
    }
  })
}

test('the ladder makes the candles that a fold over all trades makes, in every frame', () => {
  const frames = ['1s', '1m', '3m', '7d', '5m', '1h', '1w', '1M'].map(timeframe)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const trades = tradesOf(steps)
      const made = new Map<string, Candle[]>(frames.map(({ code }) => [code, []]))
      const ladder = createLadder(market, frames, (candle) => made.get(candle.timeframe)!.push(candle))
      for (const trade of trades) assert.ok(ladder.add(trade, Number(trade.id)))
      ladder.closeUntil(Number.POSITIVE_INFINITY)
      for (const frame of frames) assert.deepEqual(made.get(frame.code), foldTrades(trades, frame), frame.code)
    }),
    { numRuns: 60 },
  )
})

test('a trade whose candle has ended is refused, so that the caller can make the candle anew', () => {
  const made: Candle[] = []
  const ladder = createLadder(market, [timeframe('1m')], (candle) => made.push(candle))
  const [first, second] = tradesOf([
    { wait: 0, price: 100, quantity: 1, count: 1 },
    { wait: 60_000, price: 100, quantity: 1, count: 1 },
  ])
  assert.ok(ladder.add(first!, 1))
  assert.ok(ladder.add(second!, 2))
  assert.equal(made.length, 1)
  assert.equal(ladder.add({ ...first!, time: first!.time + 5 }, 3), false)
})
