import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Cache, Channels } from './cache.ts'
import { budgetCases } from './contractOfBudget.ts'
import { eventually, freshName } from './samples.ts'

export interface OpenCache {
  readonly cache: Cache & Channels
  /** What was published on channels that begin so, from now on. */
  readonly listen: (prefix: string) => Promise<{ messages: () => [channel: string, payload: string][] }>
  readonly close: () => Promise<void>
}

/** The promises of `Cache` and `Channels`, each a case, against any implementation. Budgets read the clock given. */
export function cacheContract(name: string, open: (now: () => number) => Promise<OpenCache>): void {
  describe(`${name} cache`, () => {
    let opened: OpenCache
    const clock = { time: 1_700_000_000_000 }
    before(async () => {
      opened = await open(() => clock.time)
    })
    after(() => opened.close())

    test('a value is there until its time is over', async () => {
      const { cache } = opened
      const [key, other] = [freshName(), freshName()]
      assert.equal(await cache.get(key), undefined)
      await cache.set(key, '{"last":"1.10"}', 60_000)
      await cache.set(other, 'é ☃', 60_000)
      assert.equal(await cache.get(key), '{"last":"1.10"}')
      await cache.set(key, 'newer', 20)
      assert.ok([undefined, 'newer'].includes(await cache.get(key)))
      await eventually(async () => (await cache.get(key)) === undefined)
      assert.equal(await cache.get(other), 'é ☃')
    })

    test('an event is new once', async () => {
      const { cache } = opened
      const [a, b, c] = [freshName(), freshName(), freshName()]
      assert.deepEqual(await cache.seen([]), [])
      assert.deepEqual(await cache.seen([a, b, a]), [false, false, true])
      assert.deepEqual(await cache.seen([c, b]), [false, true])
      await cache.forget([b])
      assert.deepEqual(await cache.seen([a, b, c]), [true, false, true])
      const answers = await Promise.all(Array.from({ length: 20 }, () => cache.seen([`${a}!`])))
      assert.equal(answers.flat().filter((known) => !known).length, 1, 'of many at once, one is first')
    })

    test('channels carry messages in order, and one with an id once', async () => {
      const { cache, listen } = opened
      const prefix = freshName()
      const { messages } = await listen(prefix)
      const channel = `${prefix}.signals`
      const sent = Array.from({ length: 300 }, (_, n) => ({ channel, payload: `{"n":${n}}`, id: `e${n}` }))
      assert.deepEqual(
        await cache.publish(sent),
        sent.map(() => 1),
      )
      assert.deepEqual(await cache.publish([sent[7]!, { channel, payload: 'plain' }, sent[8]!]), [-1, 1, -1])
      const elsewhere = { channel: `${prefix}.orders`, payload: 'other channel', id: 'e7' }
      assert.deepEqual(await cache.publish([elsewhere]), [1])
      await eventually(() => messages().length >= 302)
      assert.deepEqual(messages(), [
        ...sent.map(({ payload }) => [channel, payload]),
        [channel, 'plain'],
        [elsewhere.channel, elsewhere.payload],
      ])
      assert.deepEqual(await cache.publish([]), [])
    })

    test('it answers', async () => {
      await opened.cache.ping()
      assert.equal(opened.cache.status().connected, true)
    })

    budgetCases(() => opened.cache, clock)
  })
}
