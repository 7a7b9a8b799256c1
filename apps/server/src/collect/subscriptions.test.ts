import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchange } from '../exchanges/index.ts'
import { createSubscriptions } from './subscriptions.ts'

const binance = exchange('binance')
const small = { ...binance, limits: { ...binance.limits, topicsPerMessage: 2 } }

test('topics go out in messages of the allowed size and are answered one by one', () => {
  const subscriptions = createSubscriptions(small)
  subscriptions.add(['a', 'b', 'c'])
  assert.match(subscriptions.next(5) ?? '', /"a","b"/)
  assert.equal(subscriptions.oldest(), 5)
  assert.match(subscriptions.next(6) ?? '', /"c"/)
  assert.equal(subscriptions.next(7), undefined)
  assert.deepEqual(subscriptions.answered(1)?.topics, ['a', 'b'])
  assert.equal(subscriptions.idle(), false)
  assert.deepEqual(
    subscriptions.answered(null)?.topics,
    ['c'],
    'an answer without an id belongs to the oldest question',
  )
  assert.equal(subscriptions.answered(9), undefined, 'an answer to nothing')
  assert.equal(subscriptions.idle(), true)
  assert.equal(subscriptions.count(), 3)
})

test('a topic that is removed before it was asked for is never asked for', () => {
  const subscriptions = createSubscriptions(small)
  subscriptions.add(['a'])
  subscriptions.remove(['a'])
  assert.equal(subscriptions.next(0), undefined)
  subscriptions.add(['b'])
  subscriptions.next(0)
  subscriptions.remove(['b'])
  assert.match(subscriptions.next(0) ?? '', /UNSUBSCRIBE/)
  assert.equal(subscriptions.count(), 0)
})
