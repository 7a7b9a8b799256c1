import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { type AsyncMessage, Connection } from 'rabbitmq-client'
import { openRelay } from '../../test/relay.ts'
import { absent, rabbitAt, rabbitUrl } from '../../test/service.ts'
import { until } from '../../test/until.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { outgoings, queueContract } from './contract.ts'
import { rabbitQueue } from './rabbit.ts'

const skip = await absent('rabbitmq', rabbitAt)
let names = 0
const freshName = () => `test${process.pid}x${Date.now()}x${++names}`

async function freshPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-rabbit-'))
  t.after(() => rm(folder, { recursive: true }))
  return join(folder, 'outbox.db')
}

/** A consumer that is not ours: gives messages as they come. */
async function listen(exchange: string) {
  const connection = new Connection(rabbitUrl())
  connection.on('error', () => {})
  const messages: AsyncMessage[] = []
  const consumer = connection.createConsumer(
    {
      exchanges: [{ exchange, type: 'topic', durable: true }],
      queueOptions: { exclusive: true },
      queueBindings: [{ exchange, routingKey: 'crypto.#' }],
    },
    (message) => void messages.push(message),
  )
  await new Promise<void>((resolve) => consumer.on('ready', resolve))
  return {
    messages,
    received: async (count: number) => {
      await until(`${count} messages`, () => messages.length >= count)
      return messages.map(({ messageId, routingKey, body }) => ({
        id: String(messageId),
        event: routingKey,
        body: String(body),
      }))
    },
    async close() {
      await consumer.close()
      await connection.exchangeDelete({ exchange })
      await connection.close()
    },
  }
}

const settings = () => ({ retryMs: 5, reconnectMs: 100, log: silent, metrics: createMetrics() })

describe('with a RabbitMQ', { skip }, () => {
  queueContract('rabbit', async (t) => {
    const exchange = freshName()
    const { received, close } = await listen(exchange)
    const queue = await rabbitQueue({ ...settings(), url: rabbitUrl(), exchange, path: await freshPath(t) })
    return {
      queue,
      received,
      async close() {
        await queue.close()
        await close()
        const connection = new Connection(rabbitUrl())
        for (const kind of ['fill', 'other']) await connection.queueDelete(`${exchange}.work.${kind}`)
        await connection.close()
      },
    }
  })

  test('a message is what applications expect', async (t) => {
    const exchange = freshName()
    const listener = await listen(exchange)
    const queue = await rabbitQueue({ ...settings(), url: rabbitUrl(), exchange, path: await freshPath(t) })
    t.after(listener.close)
    t.after(queue.close)
    await queue.publish(outgoings(1))
    await listener.received(1)
    const [message] = listener.messages
    const { contentType, durable, messageId, routingKey } = message!
    assert.deepEqual(
      { contentType, durable, messageId, routingKey, exchange: message!.exchange },
      {
        contentType: 'application/json',
        durable: true,
        messageId: 'crypto.price.updated:0',
        routingKey: 'crypto.price.updated',
        exchange,
      },
    )
    await until('an empty outbox', () => queue.status().waiting === 0)
  })

  for (const fault of ['cut', 'hang'] as const) {
    test(`a connection that is ${fault === 'cut' ? 'cut' : 'dead'} loses nothing and keeps the order`, async (t) => {
      const exchange = freshName()
      const listener = await listen(exchange)
      const relay = await openRelay(rabbitAt)
      const url = rabbitUrl(relay.port)
      const queue = await rabbitQueue({ ...settings(), url, exchange, path: await freshPath(t) })
      t.after(listener.close)
      t.after(relay.close)
      t.after(queue.close)
      await queue.publish(outgoings(100))
      await listener.received(100)
      relay[fault]()
      await queue.publish(outgoings(300, 100))
      assert.ok(queue.status().waiting >= 300)
      relay.mend()
      await queue.publish(outgoings(100, 400))
      await until('an empty outbox', () => queue.status().waiting === 0)
      await listener.received(500)
      const first = [...new Set(listener.messages.map(({ messageId }) => messageId))]
      assert.deepEqual(
        first,
        outgoings(500).map(({ id }) => id),
        'a message may come twice, none too early',
      )
      assert.equal(queue.status().dropped, 0)
    })
  }

  test('what waits for an absent broker survives a restart, in order, within its bound', async (t) => {
    const exchange = freshName()
    const listener = await listen(exchange)
    const relay = await openRelay(rabbitAt)
    const path = await freshPath(t)
    const open = () => rabbitQueue({ ...settings(), url: rabbitUrl(relay.port), exchange, path, maxEvents: 250 })
    t.after(listener.close)
    t.after(relay.close)
    relay.cut()
    const first = await open()
    await first.publish(outgoings(200))
    await first.publish(outgoings(100, 200))
    const { connected, waiting, dropped } = first.status()
    assert.deepEqual({ connected, waiting, dropped }, { connected: false, waiting: 250, dropped: 50 })
    await first.close()
    relay.mend()
    const second = await open()
    t.after(second.close)
    assert.deepEqual(await listener.received(250), outgoings(250, 50))
  })
})
