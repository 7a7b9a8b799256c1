import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DAY, HOUR, MINUTE } from '../domain/timeframe.ts'
import { exchange } from '../exchanges/index.ts'
import { wantedAtStart } from './audit.ts'
import { candlesIn, fetchable, loadOf, planFetch, seconds, toGrid } from './plan.ts'
import { createRepairs } from './repair.ts'

const binance = exchange('binance')
const free = { used: 0, limit: 5_400, blockedUntil: 0, consecutiveLimits: 0, requests: 0, failures: 0 }
const LATENCY = 100
const noon = Date.UTC(2026, 6, 15, 12, 0)

describe('a plan', () => {
  test('counts candles, requests and weight of exactly what is missing', () => {
    const missing = [
      { from: noon, to: noon + 1_001 * MINUTE },
      { from: noon + DAY, to: noon + DAY + MINUTE },
    ]
    const plan = planFetch(binance, '1m', missing, free, LATENCY, noon)
    assert.deepEqual(
      plan.missing.map(({ candles }) => candles),
      [1_001, 1],
    )
    assert.equal(plan.requests, 3)
    assert.equal(plan.weight, 6)
    assert.equal(plan.seconds, 0.3)
  })
  test('nothing missing costs nothing', () => {
    assert.equal(planFetch(binance, '1m', [], free, LATENCY, noon).seconds, 0)
  })
  test('what does not fit the budget waits for the next windows, and a block is waited out', () => {
    const many = { requests: 10_000, weight: 20_000, lanes: [2_500, 2_500, 2_500, 2_500] }
    assert.equal(seconds(binance, many, free, LATENCY, noon), 250, 'the exchange answers slower than it allows')
    const dear = { requests: 4, weight: 20_000, lanes: [1, 1, 1, 1] }
    assert.equal(seconds(binance, dear, free, LATENCY, noon), 180.4, 'one a minute, the first at once')
    const few = { requests: 4, weight: 8, lanes: [1, 1, 1, 1] }
    assert.equal(seconds(binance, few, { ...free, blockedUntil: noon + 30_000 }, LATENCY, noon), 30.1)
    assert.equal(seconds(binance, few, { ...free, used: 5_400 }, LATENCY, noon), 60.2)
  })
  test('jobs go to the lane that is free first', () => {
    const jobs = [5, 1, 2, 4].map((requests) => ({ requests, weight: 2 * requests }))
    assert.deepEqual(loadOf(jobs, 2), { requests: 12, weight: 24, lanes: [5, 7] })
  })
  test('months are counted by the calendar', () => {
    assert.equal(candlesIn('1M', { from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 3, 1) }), 3)
  })
  test('a timeframe that the exchange does not have is made from the largest that divides it', () => {
    assert.equal(fetchable(binance, '1h'), '1h')
    assert.equal(fetchable(binance, '45m'), '15m')
    assert.equal(fetchable(binance, '2d'), '1d')
    assert.throws(() => fetchable(binance, '7x'), { code: 'INVALID_TIMEFRAME' })
  })
  test('the grid widens intervals to whole candles, joins what touches and covers all of it', () => {
    const intervals = fc.array(
      fc
        .tuple(fc.nat(100 * MINUTE), fc.integer({ min: 1, max: 10 * MINUTE }))
        .map(([from, length]) => ({ from, to: from + length })),
    )
    fc.assert(
      fc.property(intervals, (list) => {
        const grid = toGrid('1m', list)
        for (const { from, to } of list) assert.ok(grid.some((one) => one.from <= from && one.to >= to))
        for (const [index, { from, to }] of grid.entries()) {
          assert.equal(from % MINUTE, 0)
          assert.equal(to % MINUTE, 0)
          assert.ok(index === 0 || from > grid[index - 1]!.to)
        }
      }),
    )
  })
})

describe('what a start needs', () => {
  const at = Date.UTC(2026, 6, 15, 12, 34, 56)
  const midnight = Date.UTC(2026, 6, 15)

  test('minutes of the last hours only, when nothing larger is still forming before them', () => {
    assert.deepEqual(wantedAtStart(['1m', '1h', '1d'], 24, at), [
      { timeframe: '1m', from: Date.UTC(2026, 6, 14, 12), to: Date.UTC(2026, 6, 15, 12, 34) },
    ])
  })
  test('days from the month, week or 3d candle that is forming', () => {
    assert.deepEqual(wantedAtStart(['1m', '1w'], 24, at)[0], {
      timeframe: '1d',
      from: Date.UTC(2026, 6, 13),
      to: midnight,
    })
    assert.deepEqual(wantedAtStart(['1m', '1M'], 24, at)[0], {
      timeframe: '1d',
      from: Date.UTC(2026, 6, 1),
      to: midnight,
    })
  })
  test('hours between midnight and a short lookback', () => {
    assert.deepEqual(wantedAtStart(['1m', '1d'], 2, at), [
      { timeframe: '1h', from: midnight, to: Date.UTC(2026, 6, 15, 10) },
      { timeframe: '1m', from: Date.UTC(2026, 6, 15, 10), to: Date.UTC(2026, 6, 15, 12, 34) },
    ])
  })
})

describe('repairs', () => {
  const batch = (from: number, to: number) => ({
    exchange: 'binance',
    symbol: 'BTCUSDT',
    trades: [],
    upTo: to,
    hole: { from, to },
  })

  test('a hole is due once its minutes have closed, and only once', () => {
    const repairs = createRepairs(DAY, 3_000)
    repairs.note(batch(noon + 10_000, noon + 70_001), noon + 71_000)
    assert.deepEqual(repairs.due(noon + 2 * MINUTE), [], 'the exchange may not have closed the minute yet')
    assert.deepEqual(repairs.due(noon + 2 * MINUTE + 3_000), [
      { symbol: 'BTCUSDT', interval: { from: noon, to: noon + 2 * MINUTE } },
    ])
    assert.equal(repairs.pending(), 0)
  })
  test('a hole without a known beginning reaches back only so far', () => {
    const repairs = createRepairs(HOUR, 0)
    repairs.note(batch(0, noon), noon)
    assert.deepEqual(repairs.due(noon)[0]?.interval, { from: noon - HOUR, to: noon })
  })
})
