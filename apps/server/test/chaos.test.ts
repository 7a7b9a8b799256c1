import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isClean } from './chaos/check.ts'
import { runKills } from './chaos/kill.ts'
import { runAll } from './chaos/pool.ts'
import type { Outcome } from './chaos/run.ts'
import { kinds } from './chaos/scenario.ts'
import { table } from './chaos/table.ts'

const FIRST_SEED = 1
const RUNS = 50
const SYMBOLS = 20

const wrong = (outcomes: readonly Outcome[]) =>
  outcomes
    .filter(({ losses }) => !isClean(losses))
    .map(
      ({ kind, seed, losses }) => `npm run chaos -- --runs 1 --only ${kind} --seed ${seed}: ${JSON.stringify(losses)}`,
    )

test(`${RUNS} runs with faults of every kind: nothing lost, doubled or invented`, async (t) => {
  const jobs = Array.from({ length: RUNS }, (_, index) => {
    const seed = FIRST_SEED + index
    return { seed, kind: kinds[seed % kinds.length]!, symbols: SYMBOLS, log: 'silent' }
  })
  const outcomes: Outcome[] = []
  await runAll(jobs, 2, (outcome) => outcomes.push(outcome))
  t.diagnostic(`\n${table(outcomes)}`)
  assert.deepEqual(wrong(outcomes), [])
})

test('killed again and again: nothing lost, doubled or invented', async () => {
  assert.deepEqual(wrong([await runKills(4, FIRST_SEED, SYMBOLS, () => {})]), [])
})
