import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

// What the tests of caches share.
let names = 0
/** A name that no other case, process or run uses. */
export const freshName = (): string => `t${process.pid}x${Date.now().toString(36)}x${++names}`

/** Waits until `condition` holds; rejects when it does not for a minute. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'waited a minute in vain')
    await sleep(5)
  }
}
