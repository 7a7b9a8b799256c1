import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR, MINUTE, timeframe } from '../domain/timeframe.ts'
import { createSchedule } from './schedule.ts'

const NOON = Date.UTC(2026, 6, 15, 12)
const create = () => createSchedule(['1m', '5m'].map(timeframe), 1_000, HOUR, 2 * MINUTE)

test('minutes every other turn, each symbol once in a while, from where the last look ended', () => {
  const schedule = create()
  const first = schedule.next(['A'], NOON)!
  assert.deepEqual([first.frame.code, first.to], ['1m', NOON - 2 * MINUTE])
  schedule.done(first, first.to, NOON)
  assert.equal(schedule.next(['A'], NOON + HOUR - 1), undefined)
  assert.equal(schedule.next(['A'], NOON + HOUR)?.frame.code, '5m')
  const third = schedule.next(['A'], NOON + 2 * HOUR)!
  assert.deepEqual([third.frame.code, third.from, third.follows, first.follows], ['1m', first.to, true, false])
})

test('minutes that the exchange does not have yet are looked at again soon, and ever later', () => {
  const schedule = create()
  const reached = NOON - 4 * MINUTE
  const pauses = []
  for (let at = NOON; at < NOON + HOUR; at += MINUTE / 2) {
    const look = schedule.next(['A'], at)
    if (!look) continue
    assert.equal(look.frame.code, '1m')
    pauses.push((at - NOON) / MINUTE)
    schedule.done(look, reached, at)
  }
  assert.deepEqual(pauses, [0, 2, 6, 14, 30])
})
