import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { OutgoingEvent, Queue, Work } from './queue.ts'

export interface OpenQueue {
  readonly queue: Queue
  /** Resolves with the events that came out since the opening, once there are `count`. */
  readonly received: (count: number) => Promise<OutgoingEvent[]>
  readonly close: () => Promise<void>
}

export const outgoing = (n: number, event = 'crypto.price.updated'): OutgoingEvent => ({
  id: `${event}:${n}`,
  event,
  body: JSON.stringify({ event, data: { n, text: 'é ☃ "' } }),
})
export const outgoings = (count: number, from = 0): OutgoingEvent[] =>
  Array.from({ length: count }, (_, n) => outgoing(from + n))

/** The promises of `Queue`, each a case, against any implementation. `open` gives an empty one with short pauses. */
export function queueContract(name: string, open: (t: TestContext) => Promise<OpenQueue>): void {
  const start = async (t: TestContext) => {
    const opened = await open(t)
    const stop = new AbortController()
    t.after(async () => {
      stop.abort()
      await opened.close()
    })
    return { ...opened, stop, signal: stop.signal }
  }

  describe(`${name} queue`, () => {
    test('events come out whole, in order, whatever their kind', async (t) => {
      const { queue, received } = await start(t)
      await queue.publish([])
      const sent = Array.from({ length: 500 }, (_, n) => outgoing(n, n % 3 ? 'crypto.kline.updated' : undefined))
      for (let n = 0; n < sent.length; n += 50) await queue.publish(sent.slice(n, n + 50))
      assert.deepEqual(await received(500), sent)
    })

    test('work is done once, by one of several workers', async (t) => {
      const { queue, stop, signal } = await start(t)
      const done: Work[] = []
      const all = Promise.withResolvers<void>()
      const handle = async (work: Work) => {
        await new Promise(setImmediate)
        done.push(work)
        if (done.length === 30) all.resolve()
      }
      const workers = [1, 2, 3].map(() => queue.work('fill', handle, signal))
      const pieces = Array.from({ length: 30 }, (_, n) => ({ id: `w${n}`, body: `{"é":${n}}` }))
      await queue.add('fill', pieces)
      await queue.add('other', [{ id: 'w0', body: 'not for them' }])
      await all.promise
      stop.abort()
      await Promise.all(workers)
      const byId = (a: Work, b: Work) => a.id.localeCompare(b.id)
      assert.deepEqual(done.sort(byId), pieces.sort(byId))
    })

    test('work that fails is done again, after the rest', async (t) => {
      const { queue, stop, signal } = await start(t)
      const tried: string[] = []
      const all = Promise.withResolvers<void>()
      await queue.add('fill', [
        { id: 'bad', body: '' },
        { id: 'good', body: '' },
      ])
      const working = queue.work(
        'fill',
        async ({ id }) => {
          tried.push(id)
          if (id === 'bad' && tried.length === 1) throw new Error('the exchange is away')
          if (tried.length === 3) all.resolve()
        },
        signal,
      )
      await all.promise
      stop.abort()
      await working
      assert.deepEqual(tried, ['bad', 'good', 'bad'])
    })

    test('a worker that stops lets go of what it has not begun', async (t) => {
      const { queue } = await start(t)
      const first = new AbortController()
      const taken: string[] = []
      await queue.add('fill', [
        { id: 'a', body: '' },
        { id: 'b', body: '' },
      ])
      await queue.work(
        'fill',
        async ({ id }) => {
          taken.push(id)
          first.abort()
        },
        first.signal,
      )
      const second = new AbortController()
      await queue.work(
        'fill',
        async ({ id }) => {
          taken.push(id)
          second.abort()
        },
        second.signal,
      )
      assert.deepEqual(taken, ['a', 'b'])
    })

    test('it says how it is', async (t) => {
      const { queue, received } = await start(t)
      await queue.publish([outgoing(1)])
      await received(1)
      const { connected, dropped } = queue.status()
      assert.deepEqual({ connected, dropped }, { connected: true, dropped: 0 })
    })
  })
}
