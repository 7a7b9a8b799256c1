import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fifo } from './fifo.ts'

test('a fifo gives back what an array with shift would', () => {
  const step = fc.oneof({ weight: 3, arbitrary: fc.integer() }, { weight: 2, arbitrary: fc.constant('shift' as const) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600, size: 'max' }), (steps) => {
      const queue = fifo<number>()
      const model: number[] = []
      for (const next of steps) {
        if (next === 'shift') assert.equal(queue.shift(), model.shift())
        else {
          queue.push(next)
          model.push(next)
        }
        assert.equal(queue.size(), model.length)
        assert.equal(queue.peek(), model[0])
      }
    }),
  )
})

test('a cleared fifo is empty and goes on', () => {
  const queue = fifo<number>()
  queue.push(1)
  queue.clear()
  assert.equal(queue.shift(), undefined)
  queue.push(2)
  assert.equal(queue.shift(), 2)
})
