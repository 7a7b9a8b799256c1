import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { numbered, numbers } from '../contract.ts'
import type { KafkaBus } from './kafka.ts'
import { noOwnBroker, ownBroker } from './ownBroker.ts'
import { freshFolder, freshPrefix, openTestBus } from './testSupport.ts'

describe('Kafka outages', { skip: noOwnBroker }, async () => {
  if (noOwnBroker) return
  const { address, run: broker, remove } = await ownBroker()
  const open = (more: Parameters<typeof openTestBus>[0]) => openTestBus({ brokers: [address], partitions: 2, ...more })
  const up = broker('start')
  after(remove)

  async function readUpTo(bus: KafkaBus, group: string, last: number, signal: AbortSignal, seen = (_: number) => {}) {
    const read: number[] = []
    for await (const batch of bus.subscribe('trades', group, signal)) {
      for (const number of numbers(batch)) {
        read.push(number)
        seen(number)
      }
      if (read.at(-1) === last) return read
    }
    return read
  }

  test('a broker that dies in the middle of a stream costs nothing and doubles nothing', async (t) => {
    await up
    const { bus, close } = await open({ prefix: freshPrefix() })
    const stop = new AbortController()
    t.after(async () => {
      stop.abort()
      await close()
    })
    const sent = 3000
    const third = Promise.withResolvers<void>()
    const reading = readUpTo(bus, 'one', sent, stop.signal, (number) => {
      if (number === sent / 3) third.resolve()
    })
    let next = 1
    const publish = async (upTo: number) => {
      const all: Promise<void>[] = []
      for (; next <= upTo; next++) {
        all.push(bus.publish('trades', [numbered(next)]))
        if (next % 10 === 0) await Promise.resolve(all.at(-1))
      }
      await Promise.all(all)
    }
    await publish(sent / 3)
    await third.promise
    const streaming = publish((sent / 3) * 2)
    await broker('stop-broker', '0')
    await streaming
    assert.equal(bus.away(), true, 'what the broker did not take lies on disk')
    await publish(sent)
    await broker('start-broker', '0')
    assert.deepEqual(
      await reading,
      Array.from({ length: sent }, (_, n) => n + 1),
    )
    assert.equal(bus.away(), false)
  })

  test('what lies on disk survives a restart and is written once', async (t) => {
    await up
    const prefix = freshPrefix()
    const { folder, remove } = await freshFolder()
    const stop = new AbortController()
    const outbox = { folder, maxBytes: 8 * 1024 * 1024 }
    const first = await open({ prefix, outbox })
    const reader = await open({ prefix })
    t.after(async () => {
      stop.abort()
      await reader.close()
      await remove()
    })
    const reading = readUpTo(reader.bus, 'one', 400, stop.signal)
    await reader.bus.publish('feed', [])
    await reader.bus.publish('trades', [numbered(0)])
    await first.bus.publish('trades', [numbered(1)])
    const kill = broker('stop-broker', '0')
    for (let n = 2; n <= 200; n++) await first.bus.publish('trades', [numbered(n)])
    await kill
    await first.bus.publish('trades', [numbered(201)])
    assert.equal(first.bus.away(), true)
    await first.bus.close()

    const second = await open({ prefix, outbox })
    t.after(second.close)
    assert.equal(second.bus.away(), true)
    for (let n = 202; n < 400; n++) await second.bus.publish('trades', [numbered(n)])
    await broker('start-broker', '0')
    await second.bus.publish('trades', [numbered(400)])
    assert.deepEqual(
      await reading,
      Array.from({ length: 401 }, (_, n) => n),
    )
  })
})
