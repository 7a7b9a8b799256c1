import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { createProgress } from './progress.ts'

test('where no terminal shows a bar, a plain line is written every ten seconds', () => {
  const said: string[] = []
  const err = new Writable({ write: (chunk, _, done) => done(void said.push(String(chunk))) })
  let now = 0
  const progress = createProgress({ err }, 'import', 1_000, 'rows', () => now)
  for (const [time, bytes, rows] of [
    [5_000, 100, 0],
    [9_999, 0, 50],
    [10_000, 150, 2_450],
    [19_000, 700, 100],
  ] as const) {
    now = time
    progress.advance(bytes, rows)
  }
  progress.end()
  assert.deepEqual(said, ['import: 25 %, 2,500 rows, 250 rows/s\n'])
})
