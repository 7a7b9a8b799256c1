import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBreaker } from './breaker.ts'

test('opens after five failures in a row, tries after the pause, closes after two successes', () => {
  let clock = 0
  const breaker = createBreaker({ openMs: 30_000, now: () => clock })
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.failed()
  }
  fail(4)
  breaker.succeeded()
  fail(4)
  assert.equal(breaker.state(), 'closed', 'a success starts the row anew')
  fail(1)
  assert.equal(breaker.state(), 'open')
  clock = 29_999
  assert.equal(breaker.state(), 'open')
  clock = 30_000
  assert.equal(breaker.state(), 'half-open')
  breaker.succeeded()
  breaker.failed()
  assert.equal(breaker.state(), 'open', 'one failure of a trial opens it again')
  clock = 60_000
  breaker.succeeded()
  assert.equal(breaker.state(), 'half-open')
  breaker.succeeded()
  assert.equal(breaker.state(), 'closed')
  fail(4)
  assert.equal(breaker.state(), 'closed')
})
