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
  assert.equal(budget.used(), 15, 'its window began anew; the first may have been counted after the second')
  const [early, late] = [budget.take(1), budget.take(1)]
  late.settle(12)
  early.settle(5000)
  assert.equal(budget.used(), 13, 'an answer that was overtaken corrects nothing')
})

interface Ask {
  readonly weight: number
  /** Time before it leaves, on the way there and back, ms. */
  readonly gap: number
  readonly there: number
  readonly back: number
}

/** Plays requests, eight at a time, against an exchange that counts in windows of its own clock. Gives its counts. */
function play(asks: readonly Ask[], phase: number, cap: number, tells: boolean): Map<number, number> {
  let clock = 0
  const budget = createBudget({ windowMs: WINDOW, now: () => clock })
  const counts = new Map<number, number>()
  const events: { at: number; happen: () => void }[] = []
  const next = () => events.sort((a, b) => a.at - b.at).shift()
  const pass = (event = next()) => {
    if (!event) return
    clock = Math.max(clock, event.at)
    event.happen()
  }
  let underway = 0

  function leave({ weight, there, back }: Ask): void {
    const taken = budget.take(weight)
    underway++
    const arrive = () => {
      const window = Math.floor((clock + phase) / WINDOW)
      const count = (counts.get(window) ?? 0) + weight
      counts.set(window, count)
      const end = () => {
        underway--
        taken.settle(tells ? count : undefined)
      }
      events.push({ at: clock + back, happen: end })
    }
    events.push({ at: clock + there, happen: arrive })
  }

  for (const ask of asks) {
    const from = clock + ask.gap
    for (let event = next(); event; event = next()) {
      if (event.at > from) {
        events.push(event)
        break
      }
      pass(event)
    }
    clock = Math.max(clock, from)
    for (;;) {
      const wait = underway < 8 ? budget.waitFor(ask.weight, cap) : Number.POSITIVE_INFINITY
      if (wait === 0) break
      const event = next()
      if (event && event.at <= clock + wait) pass(event)
      else {
        if (event) events.push(event)
        clock += wait
      }
    }
    leave(ask)
  }
  while (events.length > 0) pass()
  return counts
}

test('no window of the exchange, wherever it begins, gets more than the cap', () => {
  const ask = fc.record({
    weight: fc.constantFrom(1, 2, 25, 250),
    gap: fc.nat(2000),
    there: fc.nat(8000),
    back: fc.nat(8000),
  })
  const asks = fc.array(ask, { minLength: 50, maxLength: 200 })
  fc.assert(
    fc.property(asks, fc.nat(WINDOW), fc.boolean(), (list, phase, tells) => {
      const counts = [...play(list, phase, 500, tells).values()]
      assert.ok(Math.max(...counts) <= 500, counts.join(' '))
      const all = list.reduce((sum, { weight }) => sum + weight, 0)
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        all,
      )
    }),
    { numRuns: 300, seed: 7 },
  )
})
