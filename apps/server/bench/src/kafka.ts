import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Producer } from '@platformatic/kafka'
import { type KafkaBus, openKafkaBus } from '../../src/bus/kafka/kafka.ts'
import type { Outgoing } from '../../src/bus/kafka/record.ts'
import { BROKER, noBroker } from '../../src/bus/kafka/testSupport.ts'
import type { TradeBatch } from '../../src/domain/trade.ts'
import { silent } from '../../src/lib/log.ts'
import { type Figure, type Suite, timedAsync } from './harness.ts'

const RECORDS = 100_000
const BATCH = 500
/** Batches that are under way at once. */
const DEPTH = 8
const PARTITIONS = 6
const LONGER = 5
const PASSES = { passes: 3, warm: 1 }

const script = join(import.meta.dirname, '../../../../.ci/services/kafka')
const connection = { brokers: [BROKER], clientId: 'candlewire-bench' }

const events = (from: number): TradeBatch[] =>
  Array.from({ length: BATCH }, (_, n) => {
    const id = from + n
    const market = { exchange: 'binance', symbol: `S${id % 50}USDT` }
    const time = 1_705_757_742_000 + id
    const trade = {
      type: 'trade',
      ...market,
      id,
      count: 1,
      price: 45_050.25,
      quantity: 0.5,
      side: 'buy',
      time,
    } as const
    return { ...market, trades: [{ ...trade, received: time + 31 }], upTo: time }
  })

/** A bus on topics of its own for the length of `work`. */
async function withBus<R>(work: (bus: KafkaBus) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-bench-'))
  const settings = {
    ...connection,
    prefix: `bench-${randomUUID().slice(0, 8)}.`,
    partitions: PARTITIONS,
    retention: 3_600_000,
    capacity: 10_000,
    outbox: { folder, maxBytes: 64 * 1024 * 1024 },
  }
  const bus = await openKafkaBus(settings, { log: silent })
  try {
    return await work(bus)
  } finally {
    await bus.close()
    await rm(folder, { recursive: true })
  }
}

/** Calls `send` for every batch, some side by side. */
async function sendAll(send: (from: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < RECORDS; from += BATCH * DEPTH)
    await Promise.all(Array.from({ length: DEPTH }, (_, n) => send(from + n * BATCH)))
}

const publishAll = (bus: KafkaBus) => sendAll((from) => bus.publish('trades', events(from)))

const publish = (): Promise<Figure> => withBus((bus) => timedAsync(RECORDS, () => publishAll(bus), PASSES))

/** The same records by the client alone: no transaction, no outbox, no check that topics are there. */
const produce = (): Promise<Figure> =>
  withBus(async (bus) => {
    await bus.publish('trades', events(0))
    const producer = new Producer({ clientId: 'candlewire-bench', bootstrapBrokers: [BROKER], idempotent: true })
    const toMessage = ({ topic, key, value, headers }: Outgoing) => ({
      topic,
      key: Buffer.from(key),
      value: Buffer.from(value),
      headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    })
    const send = (from: number) => producer.send({ messages: bus.records('trades', events(from)).map(toMessage) })
    const figure = await timedAsync(RECORDS, () => sendAll(send), PASSES)
    await producer.close()
    return figure
  })

/** Reads what was written before, from the first record on. */
const subscribe = (): Promise<Figure> =>
  withBus(async (bus) => {
    const stop = new AbortController()
    const seconds: number[] = []
    for (let pass = 0; pass < PASSES.passes; pass++) {
      const batches = bus.subscribe('trades', `reader-${pass}`, stop.signal)
      await publishAll(bus)
      const start = performance.now()
      let read = 0
      for await (const batch of batches) {
        read += batch.length
        if (read >= RECORDS) break
      }
      seconds.push((performance.now() - start) / 1_000)
    }
    stop.abort()
    return { perSecond: RECORDS / (seconds.sort((a, b) => a - b)[1] ?? Number.NaN) }
  })

/** One of the broker's own tools, from its jars. */
async function tool(name: string, ...options: string[]): Promise<string> {
  const run = promisify(execFile)
  const classpath = (await run('bash', [script, 'classpath'])).stdout.trim()
  const { stdout } = await run('java', ['-cp', classpath, `org.apache.kafka.tools.${name}`, ...options])
  return stdout
}

/** A record of ours takes so many bytes. */
const recordBytes = (bus: KafkaBus): number => {
  const [record] = bus.records('trades', events(0))
  const texts = record ? [record.key, record.value, ...Object.entries(record.headers).flat()] : []
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

async function producerTool(bus: KafkaBus, more: string[] = []): Promise<Figure> {
  await bus.publish('trades', events(0))
  const props = ['--producer-props', `bootstrap.servers=${BROKER}`, 'acks=all', 'linger.ms=5']
  const size = [
    '--record-size',
    String(recordBytes(bus)),
    '--num-records',
    String(LONGER * RECORDS),
    '--throughput',
    '-1',
  ]
  const out = await tool('ProducerPerformance', '--topic', bus.topicName('trades'), ...size, ...more, ...props)
  const rate = /([\d.]+) records\/sec/.exec(out.trim().split('\n').at(-1) ?? '')
  return { perSecond: Number(rate?.[1] ?? Number.NaN) }
}

const produceLimit = (): Promise<Figure> => withBus((bus) => producerTool(bus))
const transactionLimit = (): Promise<Figure> =>
  withBus((bus) => producerTool(bus, ['--transactional-id', randomUUID(), '--transaction-duration-ms', '20']))

const consumeLimit = (): Promise<Figure> =>
  withBus(async (bus) => {
    // A tool that starts a machine of its own needs a while to become fast.
    for (let more = 0; more < LONGER; more++) await publishAll(bus)
    const where = ['--bootstrap-server', BROKER, '--topic', bus.topicName('trades')]
    const out = await tool('ConsumerPerformance', ...where, '--messages', String(LONGER * RECORDS), '--hide-header')
    return { perSecond: Number(out.trim().split('\n').at(-1)?.split(',').at(-1)) }
  })

export const kafkaProduce: Suite = {
  name: 'kafka produce',
  unit: 'trade event in the log',
  by: 'perSecond',
  missing: async () => noBroker,
  variants: [
    { name: 'bus: transactions, outbox, order', role: 'ours', run: publish },
    { name: '@platformatic/kafka alone, idempotent', role: 'peer', run: produce },
    { name: "the broker's producer tool, transactions", role: 'limit', run: transactionLimit },
    { name: "the broker's producer tool", role: 'limit', run: produceLimit },
  ],
}

export const kafkaConsume: Suite = {
  name: 'kafka consume',
  unit: 'trade event, checked',
  by: 'perSecond',
  missing: async () => noBroker,
  variants: [
    { name: 'bus: committed, in order, each checked', role: 'ours', run: subscribe },
    { name: "the broker's consumer tool", role: 'limit', run: consumeLimit },
  ],
}
