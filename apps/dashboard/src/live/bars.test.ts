import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { layOut } from '../charts/points.ts'
import { type Bar, findHoles, findTail, HOLE_SLOTS, mergeBars, putBar, slotsOf, toBar } from './bars.ts'

const MINUTE = 60_000
const bar = (minute: number, close = 1): Bar => ({ time: minute * MINUTE, open: 1, high: 2, low: 1, close, volume: 3 })

test('a live bar changes no more of the chart than it must', () => {
  const bars = [bar(1), bar(2)]
  assert.equal(putBar(bars, bar(2, 1.5), '1m'), 'last')
  assert.equal(putBar(bars, bar(2, 1.5), '1m'), 'none')
  assert.equal(putBar(bars, bar(3), '1m'), 'last')
  assert.equal(putBar(bars, bar(2, 2), '1m'), 'older', 'a candle may close after the next has begun')
  assert.equal(putBar(bars, bar(6), '1m'), 'all', 'a hole opens')
  assert.equal(putBar(bars, bar(5), '1m'), 'all', 'a hole is filled')
  assert.deepEqual(
    bars.map(({ time, close }) => [time / MINUTE, close]),
    [
      [1, 1],
      [2, 2],
      [3, 1],
      [5, 1],
      [6, 1],
    ],
  )
})

test('bars stay ascending and single, whatever the order of arrival', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 30 })), (minutes) => {
      const bars: Bar[] = []
      for (const minute of minutes) putBar(bars, bar(minute), '1m')
      const expected = [...new Set(minutes)].sort((a, b) => a - b)
      assert.deepEqual(
        bars.map(({ time }) => time / MINUTE),
        expected,
      )
      assert.deepEqual(
        mergeBars(
          [],
          minutes.map((minute) => bar(minute)),
        ),
        bars,
      )
    }),
  )
})

test('in a merge the newer bar wins', () => {
  assert.deepEqual(mergeBars([bar(1, 1), bar(2, 1)], [bar(2, 9)]), [bar(1, 1), bar(2, 9)])
  assert.equal(toBar({ ...bar(1), time: 'never' }), undefined)
})

test('what is missing has empty slots, never a bar', () => {
  const bars = [bar(1), bar(4), bar(5)]
  assert.deepEqual(findHoles(bars, '1m'), [{ from: 2 * MINUTE, to: 4 * MINUTE }])
  const { candles, volumes, runs } = layOut(bars, '1m', { up: '#0f0', down: '#f00' })
  assert.deepEqual(
    candles.map((point) => [point.time, 'close' in point]),
    [
      [60, true],
      [120, false],
      [180, false],
      [240, true],
      [300, true],
    ],
  )
  assert.equal(volumes.length, candles.length)
  assert.deepEqual(runs, [{ first: 120, last: 180 }])
  assert.equal(slotsOf({ from: 0, to: 1e12 }, '1m').length, HOLE_SLOTS)
})

test('a feed that is down now leaves its hole at the end', () => {
  const gaps = [{ from: 6 * MINUTE, to: 8 * MINUTE }]
  assert.deepEqual(findTail([bar(5)], gaps, '1m'), { from: 6 * MINUTE, to: 8 * MINUTE })
  assert.equal(findTail([bar(9)], gaps, '1m'), undefined)
  assert.equal(findTail([], gaps, '1m'), undefined)
})
