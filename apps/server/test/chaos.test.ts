import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isClean } from './chaos/check.ts'
import { runAll } from './chaos/pool.ts'
import type { Outcome } from './chaos/run.ts'
import { table } from './chaos/table.ts'

/** What happens on the wire between healthy ends; `npm run chaos` has the others, restarts and kills too. */
const KINDS = ['cut', 'silence', 'duplicate', 'reorder', 'missing', 'late', 'malformed', 'shutdown'] as const
const RUNS = 16
const SYMBOLS = 20

test(`${RUNS} runs with faults on the wire: nothing lost, doubled or invented`, async (t) => {
  const jobs = Array.from({ length: RUNS }, (_, index) => {
    return { seed: index + 1, kind: KINDS[index % KINDS.length]!, symbols: SYMBOLS, log: 'silent' }
  })
  const outcomes: Outcome[] = []
  await runAll(jobs, 2, (outcome) => outcomes.push(outcome))
  t.diagnostic(`\n${table(outcomes)}`)
  const wrong = outcomes.filter(({ losses }) => !isClean(losses))
  const again = wrong.map(
    ({ kind, seed, losses }) => `--runs 1 --only ${kind} --seed ${seed}: ${JSON.stringify(losses)}`,
  )
  assert.deepEqual(again, [], 'npm run chaos repeats them')
})
