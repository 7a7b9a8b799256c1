import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SharedBudget } from '../lib/budget.ts'
import type { Cache } from './cache.ts'
import { freshName } from './samples.ts'

const WINDOW = 60_000
const CAP = 100
const NOTHING = { used: 0, alone: false }

/** The promises of a shared budget. `clock` is what it reads. */
export function budgetCases(given: () => Cache, clock: { time: number }): void {
  const fresh = () => given().budget(freshName(), WINDOW)

  async function spend(budget: SharedBudget, weight: number, reported?: number): Promise<void> {
    const { ticket } = await budget.take(weight, CAP, NOTHING)
    assert.ok(ticket !== undefined)
    await budget.settle(ticket, reported)
  }
  const used = async (budget: SharedBudget) => (await budget.take(10 * CAP, 0, NOTHING)).used

  test('what was spent comes back a window after it ended', async () => {
    const budget = fresh()
    await spend(budget, 60)
    const { ticket, used: sum } = await budget.take(30, CAP, NOTHING)
    assert.equal(sum, 90)
    const full = await budget.take(11, CAP, NOTHING)
    assert.equal(full.ticket, undefined)
    assert.ok(full.waitMs > 0 && full.waitMs <= 2 * WINDOW)
    clock.time += WINDOW / 2
    await budget.settle(ticket!)
    clock.time += WINDOW / 2 + 1_000
    assert.equal(await used(budget), 30)
    clock.time += WINDOW
    assert.equal((await budget.take(1, CAP, NOTHING)).used, 1)
  })

  test('a request under way counts however long it takes', async () => {
    const budget = fresh()
    const { ticket } = await budget.take(80, CAP, NOTHING)
    clock.time += WINDOW - 1_000
    assert.equal((await budget.take(21, CAP, NOTHING)).ticket, undefined)
    await budget.settle(ticket!)
    clock.time += WINDOW - 1_000
    assert.equal((await budget.take(21, CAP, NOTHING)).ticket, undefined)
  })

  test('what is dearer than the budget waits for an empty window', async () => {
    const budget = fresh()
    await spend(budget, 1)
    const { ticket, waitMs } = await budget.take(500, CAP, NOTHING)
    assert.equal(ticket, undefined)
    clock.time += waitMs
    assert.ok((await budget.take(500, CAP, NOTHING)).ticket)
  })

  test('the exchange’s count corrects ours both ways', async () => {
    const budget = fresh()
    const first = await budget.take(5, CAP, NOTHING)
    const second = await budget.take(5, CAP, NOTHING)
    await budget.settle(first.ticket!, 70)
    assert.equal(await used(budget), 75, 'others spend too; the second is still under way')
    await budget.settle(second.ticket!, 10)
    assert.equal(await used(budget), 15, 'its window began anew; the first may have been counted after the second')
    const early = await budget.take(1, CAP, NOTHING)
    const late = await budget.take(1, CAP, NOTHING)
    await budget.settle(late.ticket!, 12)
    await budget.settle(early.ticket!, 5000)
    assert.equal(await used(budget), 13, 'an answer that was overtaken corrects nothing')
    await budget.settle('nobody:7', 5000)
    assert.equal(await used(budget), 13, 'nor does a ticket that nobody has')
  })

  test('a block holds for its time, and a shorter one does not end it', async () => {
    const budget = fresh()
    await budget.block(120_000)
    await budget.block(5_000)
    const { ticket, blockedMs, waitMs } = await budget.take(1, CAP, NOTHING)
    assert.deepEqual([ticket, blockedMs, waitMs], [undefined, 120_000, 120_000])
    clock.time += 120_000
    assert.ok((await budget.take(1, CAP, NOTHING)).ticket)
  })

  test('exchanges have budgets of their own', async () => {
    await spend(fresh(), CAP)
    await spend(fresh(), CAP)
  })

  test('no window gets more than the cap', async () => {
    const step = fc.record({ weight: fc.constantFrom(1, 2, 25, 60), wait: fc.nat(8_000), lasts: fc.nat(3) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const budget = fresh()
        const sent: { at: number; weight: number }[] = []
        const open: string[] = []
        for (const { weight, wait, lasts } of steps) {
          clock.time += wait
          while (open.length > lasts) await budget.settle(open.shift()!)
          const { ticket } = await budget.take(weight, CAP, NOTHING)
          if (ticket === undefined) continue
          open.push(ticket)
          sent.push({ at: clock.time, weight })
        }
        for (const { at } of sent) {
          const window = sent.filter((one) => one.at >= at && one.at < at + WINDOW)
          const sum = window.reduce((total, { weight }) => total + weight, 0)
          assert.ok(sum <= CAP, `${sum} in a window`)
        }
      }),
      { numRuns: 15 },
    )
  })
}
