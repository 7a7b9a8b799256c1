import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFailure } from '../lib/failure.ts'
import { bySize, DAY, divides, isTimeframe, nextOpen, openTime, parents, timeframe } from './timeframe.ts'

const codes = [
  '1s',
  '15s',
  '1m',
  '3m',
  '5m',
  '15m',
  '30m',
  '45m',
  '1h',
  '2h',
  '4h',
  '6h',
  '8h',
  '12h',
  '1d',
  '3d',
  '1w',
  '1M',
  '3M',
  '12M',
]
const time = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2100, 0, 1) })
const frame = fc.constantFrom(...codes).map(timeframe)
const at = (text: string) => Date.parse(`${text}Z`)
const opens = (code: string, text: string) => new Date(openTime(timeframe(code), at(text))).toISOString().slice(0, 19)

test('a time lies in the candle that it opens, and candles follow one another without a gap', () => {
  fc.assert(
    fc.property(frame, time, (frame, time) => {
      const open = openTime(frame, time)
      const next = nextOpen(frame, open)
      assert.ok(open <= time && time < next)
      assert.equal(openTime(frame, open), open)
      assert.equal(openTime(frame, next), next)
      assert.equal(openTime(frame, next - 1), open)
    }),
  )
})

test('times before 1970 have their candles too', () => {
  assert.equal(opens('4h', '1969-12-31T23:59:59'), '1969-12-31T20:00:00')
  assert.equal(opens('1w', '1969-12-28T12:00:00'), '1969-12-22T00:00:00')
  assert.equal(opens('1M', '1969-12-31T23:59:59'), '1969-12-01T00:00:00')
})

test('the grids are the exchanges own', () => {
  assert.equal(opens('1w', '2024-08-08T23:54:15'), '2024-08-05T00:00:00', 'weeks open on Monday')
  assert.equal(opens('1M', '2024-02-29T23:59:59'), '2024-02-01T00:00:00')
  assert.equal(opens('3M', '2024-06-30T00:00:00'), '2024-04-01T00:00:00')
  assert.equal(opens('3d', '2017-08-19T00:00:00'), '2017-08-17T00:00:00', "Binance's first 3d candle")
  assert.equal(opens('3d', '2026-07-01T00:00:00'), '2026-07-01T00:00:00')
  assert.equal(opens('45m', '2024-08-08T00:50:00'), '2024-08-08T00:45:00', 'intraday frames count from midnight')
  assert.equal(opens('8h', '2024-08-08T17:00:00'), '2024-08-08T16:00:00')
})

test('3d candles open on days that leave 1 when divided by 3', () => {
  fc.assert(fc.property(time, (time) => assert.equal((openTime(timeframe('3d'), time) / DAY + 3) % 3, 1)))
})

test('what is no timeframe is refused', () => {
  for (const code of ['', '0m', '7m', '1x', '1', 'm', '-5m', '1.5h', '25h', '100000d', '1 m']) {
    assert.equal(isTimeframe(code), false, code)
    assert.throws(
      () => timeframe(code),
      (error) => isFailure(error) && error.code === 'INVALID_TIMEFRAME',
    )
  }
  for (const code of codes) assert.ok(isTimeframe(code), code)
})

test('a frame divides another when its candles never straddle a border of the other', () => {
  fc.assert(
    fc.property(frame, frame, time, (smaller, larger, time) => {
      fc.pre(divides(smaller, larger))
      const open = openTime(smaller, time)
      assert.equal(openTime(larger, open), openTime(larger, nextOpen(smaller, open) - 1))
    }),
  )
})

test('each frame is rolled up from the largest that divides it', () => {
  const chain = parents(['1M', '1m', '45m', '1d', '3d', '15m', '1h', '4h', '1w', '5m'].map(timeframe))
  assert.deepEqual(
    chain.map(({ frame, from }) => `${frame.code}<${from?.code ?? ''}`),
    ['1m<', '5m<1m', '15m<5m', '45m<15m', '1h<15m', '4h<1h', '1d<4h', '3d<1d', '1w<1d', '1M<1d'],
  )
  assert.deepEqual(
    chain.map(({ frame }) => frame),
    chain.map(({ frame }) => frame).toSorted(bySize),
  )
  assert.throws(() => parents(['2m', '5m'].map(timeframe)), /no timeframe "5m"/)
})

test('a candle length that does not divide the day by months or weeks stands alone', () => {
  assert.ok(!divides(timeframe('1w'), timeframe('1M')))
  assert.ok(!divides(timeframe('3d'), timeframe('1M')))
  assert.ok(!divides(timeframe('1M'), timeframe('1w')))
  assert.ok(divides(timeframe('1M'), timeframe('3M')))
  assert.ok(!divides(timeframe('5m'), timeframe('5m')))
})
