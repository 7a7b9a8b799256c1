import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../domain/message.ts'
import { failsWith, freshSymbol, T0 } from './samples.ts'
import type { MessageStore } from './store.ts'

/** A signal with the fields that matter. */
export const message = (fields: Partial<Message> = {}): Message => ({
  topic: 'signals',
  id: 'e1',
  key: 'binance:BTCUSDT',
  symbol: 'BTCUSDT',
  time: T0,
  received: T0 + 3,
  payload: '{"action":"buy","price":"42000.10"}',
  ...fields,
})

/** The promises of `MessageStore`, each a case, against any implementation. `open` gives an empty store. */
export function messageStoreContract(
  name: string,
  open: () => Promise<MessageStore & { close(): Promise<void> }>,
): void {
  describe(`${name} store of messages`, () => {
    let store: Awaited<ReturnType<typeof open>>
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    test('messages come back as they were put, by time, each once, the first stays', async () => {
      const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((any) => any.replaceAll('\0', ''))
      const any = fc.record({
        id: fc.nat(30).map(String),
        time: fc.nat(5).map((n) => T0 + n),
        key: text,
        payload: text,
      })
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(any, { maxLength: 70 }), { maxLength: 3 }), async (lists) => {
          const topic = freshSymbol()
          const put = lists.map((list) => list.map((fields) => message({ topic, ...fields })))
          for (const list of put) await store.putMessages(list)
          const first = new Map(
            put
              .flat()
              .reverse()
              .map((one) => [one.id, one]),
          )
          const kept = put.flat().filter((one) => first.get(one.id) === one)
          assert.deepEqual(
            await store.messages({ topic }),
            kept.sort((a, b) => a.time - b.time),
          )
        }),
        { numRuns: 30 },
      )
    })

    test('a range is what was asked for', async () => {
      const topic = freshSymbol()
      const all = Array.from({ length: 9 }, (_, n) =>
        message({ topic, id: `e${n}`, time: T0 + n, symbol: n % 2 ? 'ETHUSDT' : '' }),
      )
      await store.putMessages(all)
      await store.putMessages([message({ topic: freshSymbol() })])
      const ids = async (range: object) =>
        (await store.messages({ topic, ...range })).map(({ id }) => Number(id.slice(1)))
      assert.deepEqual(await ids({ from: T0 + 2, to: T0 + 4 }), [2, 3, 4])
      assert.deepEqual(await ids({ limit: 2 }), [0, 1])
      assert.deepEqual(await ids({ limit: 2, newest: true }), [7, 8])
      assert.deepEqual(await ids({ symbol: 'ETHUSDT', from: T0 + 2 }), [3, 5, 7])
      assert.deepEqual(await ids({ limit: 0 }), [])
      assert.deepEqual(await store.messages({ topic: 'nobody' }), [])
    })

    test('ids, keys and payloads may be long', async () => {
      const topic = freshSymbol()
      const long = (end: string) => message({ topic, id: 'i'.repeat(70_000) + end, key: 'k'.repeat(70_000) + end })
      const large = Array.from({ length: 12 }, (_, n) =>
        message({ topic, id: `l${n}`, time: T0 + 1, payload: `${n}`.repeat(800_000) }),
      )
      await store.putMessages([long('a'), long('b'), ...large, { ...long('a'), key: 'again' }])
      assert.deepEqual(await store.messages({ topic }), [long('a'), long('b'), ...large])
    })

    test('a message of no time is refused, and nothing is stored', async () => {
      const topic = freshSymbol()
      const wrong = message({ topic, id: 'x', time: 0.5 })
      await assert.rejects(store.putMessages([message({ topic }), wrong]), failsWith('INVALID_PARAMETER'))
      assert.deepEqual(await store.messages({ topic }), [])
    })
  })
}
