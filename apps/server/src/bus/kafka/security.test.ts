import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { numbered, readEvents } from '../contract.ts'
import type { Credentials } from './client.ts'
import { BROKER, noBroker, openTestBus } from './testSupport.ts'

// .ci/services/kafka listens with SASL two ports above the plain one, and over TLS on the third.
const [host, port] = BROKER.split(':')
const at = (offset: number) => [`${host}:${Number(port) + offset}`]
const caFile = join(process.env.KAFKA_DATA ?? join(tmpdir(), `candlewire-kafka-${port}`), 'ca.pem')
const skip = noBroker || (existsSync(caFile) ? false : `the broker was not started by .ci/services/kafka: no ${caFile}`)

const user = (mechanism: Credentials['mechanism'], password = 'wire') => ({ mechanism, username: 'candle', password })

async function passes(more: Parameters<typeof openTestBus>[0]): Promise<void> {
  const { bus, close } = await openTestBus({ partitions: 1, ...more })
  const stop = new AbortController()
  try {
    const events = bus.subscribe('trades', 'one', stop.signal)
    await bus.publish('trades', [numbered(1)])
    assert.deepEqual(await readEvents(events, 1), [numbered(1)])
  } finally {
    stop.abort()
    await close()
  }
}

describe('Kafka security', { skip }, () => {
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    test(`${mechanism} without TLS`, () => passes({ brokers: at(2), credentials: user(mechanism) }))
  }

  test('SCRAM over TLS with an authority of our own', () =>
    passes({ brokers: at(3), credentials: user('SCRAM-SHA-512'), tls: { caFile } }))

  test('a wrong password and an unknown authority keep events on disk', async () => {
    for (const more of [
      { brokers: at(2), credentials: user('SCRAM-SHA-256', 'wrong') },
      { brokers: at(3), credentials: user('PLAIN'), tls: {} },
    ]) {
      const { bus, close } = await openTestBus(more)
      await bus.publish('trades', [numbered(1)])
      assert.equal(bus.away(), true)
      await close()
    }
  })

  test('a file of authorities that is not there is named', async () => {
    await assert.rejects(openTestBus({ tls: { caFile: '/nowhere.pem' } }), /KAFKA_SSL_CA_FILE: \/nowhere\.pem/)
  })
})
