import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { aTrade } from '../../test/trades.ts'
import type { Candle } from './candle.ts'
import { type Coverage, type CoverageState, covers, knownIntervals } from './coverage.ts'
import { fillQuiet, flatCandle, withoutTraded } from './fill.ts'
import { foldTrades } from './fold.ts'
import { timeframe } from './timeframe.ts'

const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const m1 = timeframe('1m')
const MINUTE = 60_000
const covered = (from: number, to: number, state: CoverageState = 'complete', series = 'trades'): Coverage => ({
  ...market,
  series,
  from: from * MINUTE,
  to: to * MINUTE,
  state,
})
const candleAt = (minute: number, price: number): Candle =>
  foldTrades([aTrade({ id: minute, price, time: minute * MINUTE })], m1)[0]!
const shape = (candles: readonly Candle[]) =>
  candles.map(({ time, close, source }) => `${time / MINUTE}:${close}:${source[0]}`)

test('quiet minutes are flat at the close before them', () => {
  const filled = fillQuiet([candleAt(2, 10), candleAt(5, 20)], [covered(0, 8)], m1, 0, 8 * MINUTE, 7)
  assert.deepEqual(shape(filled), ['0:7:f', '1:7:f', '2:10:t', '3:10:f', '4:10:f', '5:20:t', '6:20:f', '7:20:f'])
  assert.deepEqual(filled[0], flatCandle(market, '1m', 0, 7))
})

test('nothing is drawn before a price is known', () => {
  assert.deepEqual(shape(fillQuiet([candleAt(2, 10)], [covered(0, 4)], m1, 0, 4 * MINUTE)), ['2:10:t', '3:10:f'])
})

test('an outage stays a hole, and so does what follows until the next trade', () => {
  const coverage = [covered(0, 10), covered(3, 4, 'unknown')]
  const known = [covered(0, 3), covered(3, 4, 'unknown'), covered(4, 10, 'quiet')]
  assert.deepEqual(shape(fillQuiet([candleAt(1, 10), candleAt(6, 20)], known, m1, 0, 8 * MINUTE)), [
    '1:10:t',
    '2:10:f',
    '6:20:t',
    '7:20:f',
  ])
  assert.ok(covers(knownIntervals(coverage), 3 * MINUTE, 4 * MINUTE), 'what another series knows is known')
})

test('minutes covered in part, and those that end after the range, are left out', () => {
  const coverage = [covered(0, 2.5)]
  assert.deepEqual(shape(fillQuiet([], coverage, m1, 30_000, 5 * MINUTE, 9)), ['1:9:f'])
  assert.deepEqual(shape(fillQuiet([], [covered(0, 9)], m1, 0, 2.5 * MINUTE, 9)), ['0:9:f', '1:9:f'])
})

test('coverage from the exchange counts like coverage of trades', () => {
  const coverage = [covered(0, 2), covered(2, 4, 'quiet', '1m')]
  assert.equal(fillQuiet([], coverage, m1, 0, 4 * MINUTE, 9).length, 4)
})

test('known intervals are joined, ascending and disjoint', () => {
  const interval = fc.tuple(fc.nat(50), fc.nat(20), fc.constantFrom<CoverageState[]>('complete', 'quiet', 'unknown'))
  fc.assert(
    fc.property(fc.array(interval), (list) => {
      const coverage = list.map(([from, length, state]) => covered(from, from + length, state))
      const known = knownIntervals(coverage)
      for (const [i, { from, to }] of known.entries()) assert.ok(from < to && (i === 0 || known[i - 1]!.to < from))
      for (let minute = 0; minute < 70; minute++) {
        const at = minute * MINUTE
        const expected = coverage.some(({ from, to, state }) => state !== 'unknown' && from <= at && at + MINUTE <= to)
        assert.equal(covers(known, at, at + MINUTE), expected)
      }
    }),
  )
})

test('where a trade is stored whose candle is not, nothing is flat from it to the next candle', async () => {
  const filled = fillQuiet([candleAt(2, 10), candleAt(6, 20)], [covered(0, 8)], m1, 0, 8 * MINUTE)
  const left = await withoutTraded(filled, m1, async ({ from, to }) => {
    const trade = 4 * MINUTE + 5
    return trade >= from && trade < to ? trade : undefined
  })
  assert.deepEqual(shape(left), ['2:10:t', '3:10:f', '6:20:t', '7:20:f'])
})

const END = 24
const stretch = fc
  .tuple(fc.nat(END), fc.nat(END), fc.constantFrom<CoverageState[]>('complete', 'quiet', 'unknown'))
  .map(([a, b, state]) => ({ from: Math.min(a, b), to: Math.max(a, b), state }))
const scene = fc.record({
  traded: fc.uniqueArray(fc.nat(END - 1), { maxLength: 8 }),
  parts: fc.array(stretch, { maxLength: 6 }),
  price: fc.constantFrom<(number | undefined)[]>(7, undefined),
  cuts: fc.array(fc.nat(END), { maxLength: 8 }),
})
const fill = (minutes: readonly number[], parts: readonly Coverage[], from: number, to: number, price?: number) =>
  fillQuiet(
    minutes.filter((one) => one >= from && one < to).map((one) => candleAt(one, 100 + one)),
    parts,
    m1,
    from * MINUTE,
    to * MINUTE,
    price,
  )

test('however coverage is cut up, doubled and ordered, the same intervals are quiet', () => {
  fc.assert(
    fc.property(scene, fc.infiniteStream(fc.nat()), ({ traded, parts, price, cuts }, random) => {
      const minutes = traded.toSorted((a, b) => a - b)
      const whole = parts.map(({ from, to, state }) => covered(from, to, state))
      const pieces = parts.flatMap(({ from, to, state }) => {
        const seams = [from, ...cuts.filter((cut) => cut > from && cut < to).toSorted((a, b) => a - b), to]
        return seams.slice(1).map((end, index) => covered(seams[index]!, end, state))
      })
      const mixed = [...pieces, ...whole]
        .map((part) => ({ part, key: random.next().value ?? 0 }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ part }) => part)
      assert.deepEqual(fill(minutes, mixed, 0, END, price), fill(minutes, whole, 0, END, price))
    }),
  )
})

test('a long range read page by page is the range read at once, when a page hands on its last price', () => {
  fc.assert(
    fc.property(scene, ({ traded, parts, price, cuts }) => {
      const minutes = traded.toSorted((a, b) => a - b)
      const coverage = parts.map(({ from, to, state }) => covered(from, to, state))
      const seams = [0, ...new Set(cuts.filter((cut) => cut > 0 && cut < END).toSorted((a, b) => a - b)), END]
      const paged: Candle[] = []
      let carried = price
      for (const [index, from] of seams.slice(0, -1).entries()) {
        const to = seams[index + 1]!
        const page = fill(minutes, coverage, from, to, carried)
        paged.push(...page)
        const last = page.at(-1)
        carried = last?.time === (to - 1) * MINUTE ? last.close : undefined
      }
      assert.deepEqual(paged, fill(minutes, coverage, 0, END, price))
    }),
  )
})
