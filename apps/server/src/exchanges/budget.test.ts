import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBudget } from './budget.ts'

const WINDOW = 60_000

test('what was spent comes back a window after it ended', () => {
  let clock = 0
  const budget = createBudget({ windowMs: WINDOW, now: () => clock })
  budget.take(60).settle()
  clock = 10
  budget.take(30).settle()
  assert.deepEqual(
    [budget.used(), budget.waitFor(10, 100), budget.waitFor(11, 100), budget.waitFor(100, 100)],
    [90, 0, WINDOW - 10, WINDOW],
  )
  clock = WINDOW
  assert.equal(budget.used(), 30)
  assert.equal(budget.waitFor(500, 100), 10, 'what is dearer than the budget waits for an empty window')
  const open = budget.take(50)
  assert.equal(budget.waitFor(51, 100), Number.POSITIVE_INFINITY, 'only the end of a request can make room')
  open.settle()
  assert.equal(budget.used(), 80)
})

test('the exchange’s count corrects ours both ways', () => {
  const budget = createBudget({ windowMs: WINDOW, now: () => 0 })
  const [first, second] = [budget.take(5), budget.take(5)]
  first.settle(70)
  assert.equal(budget.used(), 75, 'others spend too; the second is still under way')
  second.settle(10)
  assert.equal(budget.used(), 10, 'its window began anew')
  const [early, late] = [budget.take(1), budget.take(1)]
  late.settle(12)
  early.settle(5000)
  assert.equal(budget.used(), 13, 'an answer that was overtaken corrects nothing')
})

/** An exchange that counts in fixed windows of its own clock, with answers that take their time. */
test('no window of the exchange, wherever it begins, gets more than the cap', () => {
  const step = fc.record({
    weight: fc.constantFrom(1, 2, 25, 250),
    gap: fc.nat(4000),
    there: fc.nat(3000),
    back: fc.nat(3000),
  })
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 50, maxLength: 300 }),
      fc.nat(WINDOW),
      fc.boolean(),
      (steps, phase, tells) => {
        const cap = 500
        let clock = 0
        const budget = createBudget({ windowMs: WINDOW, now: () => clock })
        const counts = new Map<number, number>()
        for (const { weight, gap, there, back } of steps) {
          clock += gap
          clock += budget.waitFor(weight, cap)
          const taken = budget.take(weight)
          clock += there
          const window = Math.floor((clock + phase) / WINDOW)
          counts.set(window, (counts.get(window) ?? 0) + weight)
          clock += back
          taken.settle(tells ? counts.get(window) : undefined)
          assert.ok(counts.get(window)! <= cap)
        }
      },
    ),
    { numRuns: 300 },
  )
})
