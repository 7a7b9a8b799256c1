import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silent } from '../../lib/log.ts'
import { type KafkaBus, type KafkaSettings, openKafkaBus } from './kafka.ts'

/** The broker that tests use, by its usual variable or on its usual port. */
export const BROKER = (process.env.KAFKA_BOOTSTRAP_SERVERS ?? process.env.KAFKA_BROKER ?? '127.0.0.1:9092').split(
  ',',
)[0]!

const answers = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const [host, port] = address.split(':')
    const socket = connect(Number(port), host)
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })

/** `skip` of a test that needs the broker; with REQUIRE_SERVICES=1 a missing one fails. */
export const noBroker: string | false = (await answers(BROKER))
  ? false
  : `no Kafka broker answers on ${BROKER} (KAFKA_BOOTSTRAP_SERVERS); .ci/services/kafka starts one`
if (noBroker && process.env.REQUIRE_SERVICES === '1') throw new Error(noBroker)

export const freshPrefix = (): string => `test-${randomUUID().slice(0, 8)}.`

export async function freshFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-outbox-'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** A bus on topics of its own, with an outbox of its own unless one is given. */
export async function openTestBus(
  more: Partial<KafkaSettings> = {},
): Promise<{ bus: KafkaBus; close: () => Promise<void> }> {
  const { folder, remove } = await freshFolder()
  const bus = await openKafkaBus(
    {
      brokers: [BROKER],
      clientId: 'candlewire-test',
      prefix: freshPrefix(),
      partitions: 3,
      retention: 3_600_000,
      capacity: 10_000,
      outbox: { folder, maxBytes: 8 * 1024 * 1024 },
      ...more,
    },
    { log: silent },
  )
  const close = async () => {
    await bus.close()
    await remove()
  }
  return { bus, close }
}
