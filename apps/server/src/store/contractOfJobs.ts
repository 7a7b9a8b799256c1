import assert from 'node:assert/strict'
import { test } from 'node:test'
import { job, MINUTE, T0 } from './samples.ts'
import type { Store } from './store.ts'

/** The promises of `Store` about jobs. */
export function jobCases(given: () => Store): void {
  test('jobs are replaced by id, found by id and state, newest first', async () => {
    const list = [
      job({ id: 'a', createdAt: T0 + 1 }),
      job({ id: 'b', createdAt: T0 + 3, state: 'failed', errors: ['the exchange said "no"', 'тест 🕯'] }),
      job({ id: 'c', createdAt: T0 + 2, state: 'running', cursor: T0 + MINUTE, requestsDone: 2, candlesWritten: 1000 }),
    ]
    for (const one of list) await given().putJob(one)
    const [a, b, c] = list
    assert.deepEqual(await given().jobs(), [b, c, a])
    assert.deepEqual(await given().job('b'), b)
    assert.equal(await given().job('nobody'), undefined)
    const done = job({ ...c, state: 'done', updatedAt: T0 + 9 })
    await given().putJob(done)
    assert.deepEqual(await given().jobs({ state: 'done' }), [done])
    assert.deepEqual(await given().jobs({ state: 'running' }), [])
  })

  test('jobs that are over are deleted once they are old, open ones never', async () => {
    await given().pruneJobs(Number.MAX_SAFE_INTEGER)
    const open = [job({ id: 'old and queued' }), job({ id: 'old and running', state: 'running' })]
    const over = (['done', 'failed', 'cancelled'] as const).map((state) => job({ id: state, state }))
    const fresh = job({ id: 'fresh', state: 'done', updatedAt: T0 + 5 })
    for (const one of [...open, ...over, fresh]) await given().putJob(one)
    assert.equal(await given().pruneJobs(T0 + 5), 3)
    for (const one of [...open, fresh]) assert.deepEqual(await given().job(one.id), one)
    for (const one of over) assert.equal(await given().job(one.id), undefined)
    assert.equal(await given().pruneJobs(T0 + 5), 0)
  })
}
