import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { numbered, numbers } from '../contract.ts'
import type { KafkaBus } from './kafka.ts'
import { freshFolder, freshPrefix, noBroker, openTestBus } from './testSupport.ts'

const script = join(import.meta.dirname, '../../../../../.ci/services/kafka')
const hasJava = (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'java')))
const skip = noBroker || (hasJava ? false : 'a broker of its own needs Java')

/** A port below those that the system gives to clients, with room for the three beside it. */
async function freePort(): Promise<number> {
  for (let port = 21_000 + 10 * (process.pid % 1000); ; port += 10) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer().once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}

describe('Kafka outages', { skip }, async () => {
  if (skip) return
  const data = join(mkdtempSync(join(tmpdir(), 'candlewire-kafka-')), 'broker')
  const port = await freePort()
  const env = { ...process.env, KAFKA_PORT: String(port), KAFKA_DATA: data }
  const broker = (...command: string[]) => promisify(execFile)('bash', [script, ...command], { env })
  const open = (more: Parameters<typeof openTestBus>[0]) =>
    openTestBus({ brokers: [`127.0.0.1:${port}`], partitions: 2, ...more })
  const up = broker('start')
  after(async () => {
    await broker('stop')
    rmSync(join(data, '..'), { recursive: true, force: true })
  })

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
