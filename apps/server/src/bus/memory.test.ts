import assert from 'node:assert/strict'
import { test } from 'node:test'
import { busContract, numbered, numbers, readEvents } from './contract.ts'
import { memoryBus } from './memory.ts'

busContract('memory', async () => ({ bus: memoryBus(), close: async () => {} }))
busContract('memory (room for four events)', async () => ({ bus: memoryBus({ capacity: 4 }), close: async () => {} }))

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const open = Symbol('open')
  for (let turn = 0; turn < 5; turn++) {
    if ((await Promise.race([promise, Promise.resolve(open)])) !== open) return true
  }
  return false
}

test('a full group makes writers wait, in order, until its reader commits', async () => {
  const bus = memoryBus({ capacity: 2 })
  const stop = new AbortController()
  const events = bus.subscribe('trades', 'slow', stop.signal)[Symbol.asyncIterator]()
  await bus.publish('trades', [numbered(1), numbered(2)])
  const third = bus.publish('trades', [numbered(3)])
  const fourth = bus.publish('trades', [numbered(4)])
  assert.equal(await settled(third), false, 'the group is full')
  assert.deepEqual(numbers((await events.next()).value), [1, 2])
  assert.equal(await settled(third), false, 'a batch that is being worked on still takes its room')
  const next = events.next()
  await Promise.all([third, fourth])
  assert.deepEqual(numbers((await next).value), [3, 4])
  stop.abort()
})

test('one slow group does not keep the batch from the others', async () => {
  const bus = memoryBus({ capacity: 1 })
  const stop = new AbortController()
  bus.subscribe('trades', 'slow', stop.signal)
  const quick = bus.subscribe('trades', 'quick', stop.signal)
  const written = Promise.all([1, 2, 3].map((n) => bus.publish('trades', [numbered(n)])))
  assert.deepEqual(numbers(await readEvents(quick, 3)), [1, 2, 3])
  stop.abort()
  await written
})

test('an abort lets waiting writers in, and their events are read before the end', async () => {
  const bus = memoryBus({ capacity: 1 })
  const stop = new AbortController()
  const events = bus.subscribe('trades', 'one', stop.signal)
  const written = Promise.all([1, 2, 3].map((n) => bus.publish('trades', [numbered(n)])))
  stop.abort()
  await written
  const read: number[] = []
  for await (const batch of events) read.push(...numbers(batch))
  assert.deepEqual(read, [1, 2, 3])
})

test('a reader that fails frees the writers', async () => {
  const bus = memoryBus({ capacity: 1 })
  const { signal } = new AbortController()
  const events = bus.subscribe('trades', 'one', signal)
  const written = Promise.all([1, 2, 3].map((n) => bus.publish('trades', [numbered(n)])))
  await assert.rejects(async () => {
    for await (const _ of events) throw new Error('the disk is gone')
  }, /the disk is gone/)
  await written
  assert.deepEqual(bus.depth(), [])
})

test('a batch passes by reference when its reader keeps up', async () => {
  const bus = memoryBus()
  const { signal } = new AbortController()
  const [a, b] = ['a', 'b'].map((group) => bus.subscribe('trades', group, signal)[Symbol.asyncIterator]())
  const batch = [numbered(1)]
  const reads = [a!.next(), b!.next()]
  await bus.publish('trades', batch)
  for (const read of reads) assert.equal((await read).value, batch)
})

test('small batches reach a slow reader together, up to a bound', async () => {
  const bus = memoryBus()
  const { signal } = new AbortController()
  const events = bus.subscribe('trades', 'slow', signal)[Symbol.asyncIterator]()
  for (let n = 0; n < 1000; n++) await bus.publish('trades', [numbered(n)])
  const first: number[] = numbers((await events.next()).value)
  const second: number[] = numbers((await events.next()).value)
  assert.deepEqual([...first, ...second], [...Array(1000).keys()])
  assert.ok(first.length > 1 && first.length < 1000)
})

test('a group has one reader, and its name is free again once that one stops', async () => {
  const bus = memoryBus()
  const { signal } = new AbortController()
  const first = bus.subscribe('trades', 'one', signal)
  assert.throws(() => bus.subscribe('trades', 'one', signal), /already has a reader/)
  await bus.publish('trades', [numbered(1)])
  await readEvents(first, 1)
  const second = bus.subscribe('trades', 'one', signal)
  await bus.publish('trades', [numbered(2)])
  assert.deepEqual(numbers(await readEvents(second, 1)), [2])
})
