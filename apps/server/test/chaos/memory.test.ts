import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectGarbage, sampleMemory, slopeADay } from './memory.ts'

test('the slope is what the heap grows by in a day, whatever the noise around it', () => {
  const samples = Array.from({ length: 96 }, (_, hour) => ({
    hour,
    heap: 100 + hour / 8 + (hour % 2 === 0 ? 5 : -5),
    external: 0,
    rss: 300,
  }))
  assert.ok(Math.abs(slopeADay(samples, ({ heap }) => heap) - 3) < 0.1)
  assert.equal(
    slopeADay(samples, ({ rss }) => rss),
    0,
  )
})

test('what nobody holds is gone when the heap is measured', () => {
  collectGarbage()
  const before = sampleMemory(0).heap
  let ballast: number[][] | undefined = Array.from({ length: 100 }, () => Array.from({ length: 10_000 }, Math.random))
  collectGarbage()
  assert.ok(sampleMemory(0).heap - before > 5, `${ballast.length} arrays`)
  ballast = undefined
  collectGarbage()
  assert.ok(sampleMemory(0).heap - before < 2)
})
