import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { quoteOf, text } from './decimal.ts'
import { generatedTape } from './generated.ts'
import { dayMs, intervals, minuteMs, nextOpen, openOf } from './grid.ts'
import { createMarket, type Row } from './market.ts'
import { createStats } from './stats.ts'
import { symbolModels, symbolNames } from './symbols.ts'
import type { Trade } from './tape.ts'

const start = Date.UTC(2026, 6, 1, 11, 59)
const hour = 60 * minuteMs
const models = symbolModels(7, ['BTCUSDT', 'ETHBTC', 'AAAUSDT'], { BTCUSDT: 3, ETHBTC: 0.4, AAAUSDT: 0.02 })
const marketOf = (index: number, seed = 7) => createMarket(generatedTape(seed, models[index]!), start - 6 * hour, 1_000)

/** A bar summed the slow way, in whole integers. */
const slowFold = (trades: readonly Trade[]) => {
  const sum = (of: (trade: Trade) => number, some = trades) =>
    some.reduce((total, trade) => total + BigInt(of(trade)), 0n)
  const takers = trades.filter((trade) => !trade.buyerMaker)
  return {
    open: trades[0]!.price,
    high: Math.max(...trades.map((trade) => trade.price)),
    low: Math.min(...trades.map((trade) => trade.price)),
    close: trades.at(-1)!.price,
    volume: Number(sum((trade) => trade.qty)),
    quote: sum((trade) => trade.quote),
    count: trades.length,
    takerVolume: Number(sum((trade) => trade.qty, takers)),
    takerQuote: sum((trade) => trade.quote, takers),
    first: trades[0]!.id,
    last: trades.at(-1)!.id,
  }
}

const checkRows = (rows: readonly Row[], trades: readonly Trade[], from: number): void => {
  let close: number | undefined
  for (const { open, end, bar } of rows) {
    const inside = trades.filter((trade) => trade.time >= open && trade.time < end)
    if (inside.length > 0 && open >= from) assert.deepEqual(bar, slowFold(inside))
    if (inside.length === 0 && close !== undefined) {
      assert.equal(bar.count, 0)
      assert.deepEqual([bar.open, bar.high, bar.low, bar.close], [close, close, close, close], 'flat at the last close')
    }
    close = bar.close
  }
}

test('the same seed gives the same trades wherever reading starts, another seed others', () => {
  const [a, b] = [marketOf(0), createMarket(generatedTape(7, models[0]!), start - hour, 10)]
  const recent = a.arrivals(start - hour, start)
  assert.ok(recent.length > 1_000)
  assert.deepEqual(b.arrivals(start - hour, start), recent)
  assert.deepEqual(a.fromId(recent[0]!.id, recent.length, start), recent)
  assert.notDeepEqual(marketOf(0, 8).arrivals(start - hour, start), recent)
})

test('ids of trades and aggregate trades have no hole across minutes and days, times never go back', () => {
  for (const index of [0, 1, 2]) {
    const tape = generatedTape(7, models[index]!)
    let before: Trade | undefined
    const midnight = Date.UTC(2026, 6, 2) / minuteMs
    for (let minute = midnight - 40; minute < midnight + 40; minute++) {
      assert.equal(tape.idAt(minute + 1) - tape.idAt(minute), tape.minute(minute).length)
      for (const trade of tape.minute(minute)) {
        assert.equal(tape.minuteOf(trade.id), minute)
        if (before) {
          assert.equal(trade.id, before.id + 1)
          assert.ok(trade.agg === before.agg || trade.agg === before.agg + 1)
          assert.ok(trade.time >= before.time)
          if (trade.agg === before.agg) {
            assert.deepEqual([trade.price, trade.time], [before.price, before.time])
            assert.ok(tape.idOfAgg(trade.agg) < trade.id)
          } else assert.equal(tape.idOfAgg(trade.agg), trade.id)
        }
        before = trade
      }
    }
    assert.ok(before)
  }
})

test('bars of every interval are the exact sums of their trades, quiet ones flat', () => {
  for (const index of [0, 1, 2]) {
    const market = marketOf(index)
    const trades = market.arrivals(market.listed - 1, start)
    for (const interval of intervals) {
      const from = interval === '1s' ? start - 5 * minuteMs : market.listed
      checkRows(market.rows(interval, from, start, start), trades, market.listed)
    }
    const minutes = market.rows('1m', market.listed, start - 1, start)
    assert.equal(
      minutes.reduce((sum, { bar }) => sum + bar.count, 0),
      trades.filter((trade) => trade.at < start).length,
    )
    if (index === 2)
      assert.ok(
        minutes.some(({ bar }) => bar.count === 0),
        'a quiet symbol has silent minutes',
      )
  }
})

test('a forming bar holds only what has arrived', () => {
  const market = marketOf(0)
  const now = start + 31_234
  const [row] = market.rows('1m', start, start, now)
  assert.deepEqual(row?.bar, slowFold(market.arrivals(start - 1, now)))
})

test('the grid: weeks open on Monday, months on the 1st, 3d bars on day numbers 1 modulo 3', () => {
  assert.equal(openOf('3d', Date.UTC(2026, 6, 2)), Date.UTC(2026, 6, 1))
  assert.equal(openOf('3d', Date.UTC(2017, 7, 17, 5)), Date.UTC(2017, 7, 17))
  assert.equal(openOf('1M', Date.UTC(2026, 1, 28, 23)), Date.UTC(2026, 1, 1))
  assert.equal(openOf('1d', Date.UTC(2026, 1, 28, 17), 8 * hour), Date.UTC(2026, 1, 28, 16))
  fc.assert(
    fc.property(
      fc.constantFrom(...intervals),
      fc.integer({ min: 1_500_000_000_000, max: 1_900_000_000_000 }),
      (interval, time) => {
        const open = openOf(interval, time)
        assert.ok(open <= time && time < nextOpen(interval, open))
        if (interval === '1w') assert.equal(new Date(open).getUTCDay(), 1)
        if (interval === '3d') assert.equal((open / dayMs) % 3, 1)
      },
    ),
  )
})

test('a halt removes its trades, ids go on without a hole, and whole bars inside it do not exist', () => {
  const [market, untouched] = [marketOf(0), marketOf(0)]
  const halt = { from: start + 30_000, to: start + 4.5 * minuteMs }
  market.halt(halt)
  market.halt({ from: start + 6 * minuteMs, to: start + 7 * minuteMs })
  const end = start + 10 * minuteMs
  const trades = market.arrivals(start, end)
  assert.ok(trades.every((trade) => trade.at < halt.from || trade.at >= halt.to))
  for (const [index, trade] of trades.entries()) assert.equal(trade.id, trades[0]!.id + index)
  assert.deepEqual(market.fromId(trades[0]!.id, 100_000, end), trades)
  const halted = trades.filter((trade) => trade.at >= halt.to)
  const original = untouched
    .arrivals(halt.to - 1, end)
    .filter((trade) => trade.at < start + 6 * minuteMs || trade.at >= start + 7 * minuteMs)
  assert.deepEqual(
    halted.map(({ price, qty, at }) => [price, qty, at]),
    original.map(({ price, qty, at }) => [price, qty, at]),
  )
  const opens = market.rows('1m', start, end - 1, end).map((row) => (row.open - start) / minuteMs)
  assert.deepEqual(opens, [0, 4, 5, 7, 8, 9])
  checkRows(market.rows('5m', start, end - 1, end), trades, start)
})

test('a late trade has the next id and a time in the past, and its bar holds it', () => {
  const market = marketOf(0)
  const now = start + 2_000
  const before = market.rows('1m', start - minuteMs, start - 1, now)
  const next = market.last(now)!.id + 1
  assert.equal(market.delay(now, 30_000), next)
  const arrived = market.fromId(next, 1, now + minuteMs)[0]!
  assert.equal(arrived.time, arrived.at - 30_000)
  assert.deepEqual(market.rows('1m', start - minuteMs, start - 1, now), before, 'nothing changes before it arrives')
  const after = market.rows('1m', start - minuteMs, start - 1, arrived.at)[0]!.bar
  assert.ok(after.count > before[0]!.bar.count)
  assert.equal(after.close, arrived.price)
  checkRows(
    market.rows('1m', start - minuteMs, start + minuteMs, start + 2 * minuteMs),
    market.arrivals(start - minuteMs - 1, start + 3 * minuteMs),
    start - minuteMs,
  )
})

test('a rolling window knows a late trade as soon as it has arrived', () => {
  const market = marketOf(0)
  const stats = createStats(market)
  const now = start + 61_000
  market.delay(now, 50_000)
  const { at } = market.fromId(market.last(now)!.id + 1, 1, now + minuteMs)[0]!
  assert.equal(stats(dayMs, at - 1)!.bar.last, market.last(at - 1)!.id)
  assert.equal(stats(dayMs, at)!.bar.last, market.last(at)!.id)
})

test('a late trade that a halt swallows is in no bar', () => {
  const market = marketOf(0)
  const now = start + 2_000
  market.delay(now, 30_000)
  market.halt({ from: now + 1, to: now + 10_000 })
  const end = start + 2 * minuteMs
  const trades = market.arrivals(start - minuteMs - 1, end + minuteMs)
  checkRows(market.rows('1m', start - minuteMs, start + minuteMs, end), trades, start - minuteMs)
})

test('quote quantities are truncated to eight decimals, and texts carry eight', () => {
  assert.equal(quoteOf(9_125_010, 2, 123, 5), 11_223_762_300)
  assert.equal(quoteOf(3_241, 5, 102, 4), 33_058)
  fc.assert(
    fc.property(
      fc.nat(1e7),
      fc.integer({ min: 0, max: 8 }),
      fc.nat(1e7),
      fc.integer({ min: 0, max: 8 }),
      (price, tick, qty, lot) => {
        const scale = BigInt(10) ** BigInt(tick + lot)
        const exact = (BigInt(price) * BigInt(qty) * 100_000_000n) / scale
        if (exact < 2n ** 53n) assert.equal(BigInt(quoteOf(price, tick, qty, lot)), exact)
      },
    ),
  )
  assert.deepEqual(
    [text(1, 2), text(-57_00, 2), text(123n, 8), text(7, 0)],
    ['0.01000000', '-57.00000000', '0.00000123', '7.00000000'],
  )
})

test('there are 500 plausible names, each once', () => {
  const names = symbolNames(500)
  assert.equal(new Set(names).size, 500)
  assert.deepEqual([names[0], names[7], names[24]], ['BTCUSDT', 'ETHBTC', 'AAAUSDT'])
})
