import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { trades } from '../../test/trades.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import { type Aggregator, createAggregator } from './aggregator.ts'

const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const settings = { timeframes: ['1s', '5s', '1m', '5m', '1h', '1M'], latenessMs: 500 }

/** As it stands after being written down and read by another process. */
function moved(aggregator: Aggregator): Aggregator {
  const heir = createAggregator(settings)
  const saved = aggregator.save(market)
  if (saved !== undefined) heir.restore(market, saved)
  return heir
}

/** Some late, some named by text, some again, a hole and a halt in between. */
function batchesOf(list: readonly Trade[], dice: readonly number[], named: boolean): TradeBatch[] {
  let reached = 0
  return list.flatMap((trade, index) => {
    const chance = dice[index % dice.length] ?? 0
    const time = chance % 5 === 0 ? trade.time - 1_000 * (chance % 40) : trade.time
    reached = Math.max(reached, time + 1)
    const own = { ...trade, time, id: named ? `t${trade.id}` : trade.id }
    const batch: TradeBatch = {
      ...market,
      trades: chance % 7 === 0 ? [own, own] : [own],
      upTo: reached,
      ...(chance % 19 === 0 && { hole: { from: reached - 2_000, to: reached - 1_000 } }),
    }
    const halt: TradeBatch = { ...market, trades: [], upTo: reached, halted: true }
    return chance % 23 === 0 ? [batch, halt] : [batch]
  })
}

test('a market that is written down and read again at any moment goes on as though nothing had been', () => {
  const dice = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(
      trades(fc.integer({ min: 0, max: 20_000 })),
      dice,
      fc.boolean(),
      fc.array(fc.nat({ max: 60 })),
      (list, chances, named, moves) => {
        const stays = createAggregator(settings)
        let moving = createAggregator(settings)
        for (const [index, batch] of batchesOf(list, chances, named).entries()) {
          if (moves.includes(index)) moving = moved(moving)
          assert.deepEqual(moving.add(batch), stays.add(batch))
          assert.deepEqual(moving.forming(index * 1_000), stays.forming(index * 1_000))
          assert.equal(moving.save(market), stays.save(market))
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('history that was given before is kept, and so is where it is still missing', () => {
  const first = createAggregator(settings)
  const time = 1_700_000_123_456
  first.add({ ...market, trades: [], upTo: time, hole: { from: 0, to: time } })
  assert.ok(first.isUnsettled(market))
  const [waiting] = first.waiting(market)
  assert.ok(waiting)
  first.complete(waiting, [])
  assert.deepEqual(first.amended(), [market])
  const second = moved(first)
  assert.deepEqual(second.amended(), [])
  assert.deepEqual(
    second.waiting(market).map(({ timeframe }) => timeframe),
    first.waiting(market).map(({ timeframe }) => timeframe),
  )
})

test('what was written with other settings, or is no state at all, is refused and changes nothing', () => {
  const writer = createAggregator({ ...settings, timeframes: ['1m', '5m'] })
  writer.add({ ...market, trades: [], upTo: 1_700_000_000_000 })
  const reader = createAggregator(settings)
  for (const saved of [writer.save(market) ?? '', '{}', 'nonsense']) {
    assert.throws(() => reader.restore(market, saved))
    assert.equal(reader.has(market), false)
  }
})
