import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backoff, pause } from './backoff.ts'
import { createWindow } from './window.ts'

test('waits grow, stay under the cap, and are never less than half of their size', () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
      const wait = backoff(failures, 500, 30_000, () => random)
      assert.ok(wait >= 250 && wait <= 30_000)
      assert.ok(backoff(failures + 1, 500, 30_000, () => random) >= wait)
    }),
  )
})

test('a pause ends with its signal', async () => {
  await pause(60_000, AbortSignal.abort())
  const stop = new AbortController()
  const waiting = pause(60_000, stop.signal)
  stop.abort()
  await waiting
})

test('a window lets only so many through; an abort frees those who wait', async () => {
  let time = 0
  const window = createWindow(2, 60_000, () => time)
  const stop = new AbortController()
  const through: number[] = []
  const takers = [1, 2, 3].map((taker) => window.take(stop.signal).then(() => through.push(taker)))
  await Promise.all(takers.slice(0, 2))
  assert.deepEqual(through, [1, 2])
  time = 60_000
  stop.abort()
  await Promise.all(takers)
  assert.deepEqual(through, [1, 2, 3])
})
