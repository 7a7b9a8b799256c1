import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { TradeBatch } from '../domain/trade.ts'
import type { Batch, Bus } from './bus.ts'

/** Opens a bus on which nothing has been published yet. */
export type OpenBus = () => Promise<{ bus: Bus; close: () => Promise<void> }>

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']

/** A trade batch that only carries a number to be recognised by. */
export const numbered = (upTo: number, symbol = 'BTCUSDT'): TradeBatch => ({
  exchange: 'binance',
  symbol,
  trades: [],
  upTo,
})
export const numbers = (events: Batch<'trades'>): number[] => events.map((event) => event.upTo)

/** Reads until `count` events are there, and commits them. */
export async function readEvents(events: AsyncIterable<Batch<'trades'>>, count: number): Promise<TradeBatch[]> {
  const read: TradeBatch[] = []
  if (count === 0) return read
  for await (const batch of events) {
    read.push(...batch)
    if (read.length >= count) break
  }
  return read
}

/** The promises of `Bus`, each a case, against any implementation. */
export function busContract(name: string, open: OpenBus): void {
  const start = async (t: TestContext) => {
    const { bus, close } = await open()
    const stop = new AbortController()
    t.after(async () => {
      stop.abort()
      await close()
    })
    return { bus, stop, signal: stop.signal }
  }

  describe(`${name} bus`, () => {
    test('every group gets every event', async (t) => {
      const { bus, signal } = await start(t)
      const groups = ['record', 'api', 'aggregate'].map((group) => bus.subscribe('trades', group, signal))
      await bus.publish('trades', [numbered(1), numbered(2)])
      await bus.publish('trades', [numbered(3)])
      for (const group of groups) {
        assert.deepEqual(await readEvents(group, 3), [numbered(1), numbered(2), numbered(3)], 'whole and unchanged')
      }
    })

    test('events of one market keep their order, in each group and for any batches', async () => {
      const batches = fc.array(fc.array(fc.constantFrom(...SYMBOLS), { maxLength: 6 }), { maxLength: 20 })
      await fc.assert(
        fc.asyncProperty(batches, async (shape) => {
          const { bus, close } = await open()
          const stop = new AbortController()
          try {
            let next = 0
            const sent = shape.map((symbols) => symbols.map((symbol) => numbered(next++, symbol)))
            const groups = ['a', 'b'].map((group) => bus.subscribe('trades', group, stop.signal))
            const reading = Promise.all(groups.map((group) => readEvents(group, next)))
            await Promise.all(sent.map((events) => bus.publish('trades', events)))
            for (const got of await reading) {
              for (const symbol of SYMBOLS) {
                const of = (events: readonly TradeBatch[]) => numbers(events.filter((event) => event.symbol === symbol))
                assert.deepEqual(of(got), of(sent.flat()), `${symbol} in the order of publishing`)
              }
            }
          } finally {
            stop.abort()
            await close()
          }
        }),
        { numRuns: 20 },
      )
    })

    test('a subscription begins at the call, not at the first read', async (t) => {
      const { bus, signal } = await start(t)
      const keeper = bus.subscribe('trades', 'keeper', signal)
      await bus.publish('trades', [numbered(1)])
      const later = bus.subscribe('trades', 'later', signal)
      await bus.publish('trades', [numbered(2)])
      assert.deepEqual(numbers(await readEvents(later, 1)), [2], 'only what came after the call')
      assert.deepEqual(numbers(await readEvents(keeper, 2)), [1, 2])
    })

    test('topics do not mix', async (t) => {
      const { bus, signal } = await start(t)
      const trades = bus.subscribe('trades', 'one', signal)
      const feed = bus.subscribe('feed', 'one', signal)
      const down = { exchange: 'binance', symbol: 'BTCUSDT', state: 'down', reason: 'test', time: 5 } as const
      await bus.publish('feed', [down])
      await bus.publish('trades', [numbered(1)])
      assert.deepEqual(await readEvents(trades, 1), [numbered(1)])
      for await (const events of feed) {
        assert.deepEqual([...events], [down])
        break
      }
    })

    test('publishing without a subscriber, or nothing at all, resolves', async (t) => {
      const { bus, signal } = await start(t)
      await bus.publish('trades', [numbered(1)])
      const events = bus.subscribe('trades', 'one', signal)
      await bus.publish('trades', [])
      await bus.publish('trades', [numbered(2)])
      assert.deepEqual(numbers(await readEvents(events, 1)), [2], 'an empty batch is nobody’s event')
    })

    test('an abort ends the reader after what was already taken in', async (t) => {
      const { bus, stop, signal } = await start(t)
      const events = bus.subscribe('trades', 'one', signal)
      await bus.publish('trades', [numbered(1)])
      await bus.publish('trades', [numbered(2), numbered(3)])
      stop.abort()
      const read: TradeBatch[] = []
      for await (const batch of events) read.push(...batch)
      assert.deepEqual(numbers(read), [1, 2, 3])
    })

    test('an abort ends a reader that waits', async (t) => {
      const { bus, stop, signal } = await start(t)
      const next = bus.subscribe('trades', 'one', signal)[Symbol.asyncIterator]().next()
      stop.abort()
      assert.equal((await next).done, true)
    })

    test('a signal that was aborted before gives an empty subscription', async (t) => {
      const { bus, stop, signal } = await start(t)
      stop.abort()
      for await (const _ of bus.subscribe('trades', 'one', signal)) assert.fail('there is nothing to read')
      await bus.publish('trades', [numbered(1)])
    })

    test('a group that has stopped reading holds no writer back', async (t) => {
      const { bus, signal } = await start(t)
      const first = bus.subscribe('trades', 'one', signal)
      await bus.publish('trades', [numbered(1)])
      await readEvents(first, 1)
      for (let n = 0; n < 200; n++)
        await bus.publish(
          'trades',
          Array.from({ length: 100 }, (_, i) => numbered(2 + n * 100 + i)),
        )
      const second = bus.subscribe('trades', 'two', signal)
      await bus.publish('trades', [numbered(-1)])
      assert.deepEqual(numbers(await readEvents(second, 1)), [-1])
    })

    test('a batch of any size passes whole', async (t) => {
      const { bus, signal } = await start(t)
      const events = bus.subscribe('trades', 'one', signal)
      const sent = Array.from({ length: 25_000 }, (_, n) => numbered(n))
      const [read] = await Promise.all([readEvents(events, sent.length), bus.publish('trades', sent)])
      assert.deepEqual(numbers(read), numbers(sent))
    })

    test('depth counts what a group has not committed', async (t) => {
      const { bus, signal } = await start(t)
      const events = bus.subscribe('trades', 'slow', signal)[Symbol.asyncIterator]()
      await bus.publish('trades', [numbered(1), numbered(2)])
      const waiting = () => bus.depth().find((row) => row.topic === 'trades' && row.group === 'slow')?.events
      assert.equal(waiting(), 2)
      let read = 0
      while (read < 2) read += (await events.next()).value.length
      const more = events.next()
      await bus.publish('trades', [numbered(3)])
      assert.deepEqual(numbers((await more).value), [3], 'the next read committed the ones before')
      assert.equal(waiting(), 1, 'a batch in the hands of its reader still counts')
    })
  })
}
