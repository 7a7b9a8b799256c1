import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Interval } from './coverage.ts'
import { clip, missing, overlay, type Stated, subtract, union } from './intervals.ts'

const END = 40
const point = fc.integer({ min: 0, max: END })
const interval = fc.record({ from: point, to: point })
const some = fc.array(interval, { maxLength: 12 })
const stated = fc.record({ from: point, to: point, state: fc.constantFrom('complete', 'quiet', 'unknown') })

const within = ({ from, to }: Interval, ms: number): boolean => from <= ms && ms < to
const every = Array.from({ length: END + 1 }, (_, ms) => ms)
/** Which ms some interval holds: the plain model of a set. */
const held = (intervals: readonly Interval[]): boolean[] =>
  every.map((ms) => intervals.some((part) => within(part, ms)))

function assertTidy(intervals: readonly Interval[], mayTouch: (a: number) => boolean): void {
  intervals.forEach((part, i) => {
    assert.ok(part.from < part.to, 'no empty interval')
    const next = intervals[i + 1]
    if (next) assert.ok(part.to < next.from || (part.to === next.from && mayTouch(i)), 'ascending, no overlap')
  })
}

test('union holds what any interval holds, tidied', () => {
  fc.assert(
    fc.property(some, (list) => {
      const got = union(list)
      assert.deepEqual(held(got), held(list))
      assertTidy(got, () => false)
    }),
  )
})

test('missing is what of the range nothing covers', () => {
  fc.assert(
    fc.property(interval, some, (range, covered) => {
      const got = missing(range, covered)
      const covers = held(covered)
      assert.deepEqual(
        held(got),
        every.map((ms) => within(range, ms) && !covers[ms]),
      )
      assertTidy(got, () => false)
    }),
  )
})

test('subtract leaves each interval what no hole takes', () => {
  fc.assert(
    fc.property(some, some, (list, holes) => {
      const named = list.map((part, name) => ({ ...part, name }))
      const got = subtract(named, holes)
      const taken = held(holes)
      for (const part of named) {
        const left = got.filter((piece) => piece.name === part.name)
        assert.deepEqual(
          held(left),
          every.map((ms) => within(part, ms) && !taken[ms]),
        )
      }
    }),
  )
})

test('clip keeps what lies in the range, and what the intervals say', () => {
  fc.assert(
    fc.property(fc.array(stated, { maxLength: 12 }), interval, (list, range) => {
      const got = clip(list, range)
      for (const state of ['complete', 'quiet', 'unknown']) {
        const of = (parts: readonly Stated<string>[]) => held(parts.filter((part) => part.state === state))
        const before = of(list)
        assert.deepEqual(
          of(got),
          every.map((ms) => within(range, ms) && before[ms]),
        )
      }
    }),
  )
})

test('overlay: the latest word on each ms wins, neighbours of one state are one', () => {
  fc.assert(
    fc.property(fc.array(fc.array(stated, { maxLength: 6 }), { maxLength: 6 }), (calls) => {
      const model: (string | undefined)[] = every.map(() => undefined)
      let got: Stated<string>[] = []
      for (const call of calls) {
        got = overlay(got, call)
        for (const part of call) for (const ms of every) if (within(part, ms)) model[ms] = part.state
      }
      assert.deepEqual(
        every.map((ms) => got.find((part) => within(part, ms))?.state),
        model,
      )
      assertTidy(got, (i) => got[i]!.state !== got[i + 1]!.state)
    }),
  )
})

test('a long ascending list is laid over in one pass', () => {
  const parts = Array.from({ length: 50_000 }, (_, i) => ({ from: i * 10, to: i * 10 + 5, state: i % 2 }))
  const later = parts.map((part) => ({ ...part, state: 1 - part.state }))
  assert.deepEqual(overlay(parts, later), later)
})
