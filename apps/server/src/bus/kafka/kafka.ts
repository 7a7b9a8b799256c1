import { Admin } from '@platformatic/kafka'
import { marketKey } from '../../domain/market.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { Batch, Bus, Process, Topic, Topics } from '../bus.ts'
import { type Connection, clientOptions, closeAll, groupConsumer } from './client.ts'
import { deadLetter } from './deadLetters.ts'
import { createEnsure } from './ensure.ts'
import { reasonOf } from './errors.ts'
import { createGroups } from './groups.ts'
import { eventId, headersOf } from './identity.ts'
import { readKept } from './kept.ts'
import { openOutbox } from './outbox.ts'
import type { Share } from './partitions.ts'
import { processEach, type Source } from './process.ts'
import { createReader, type IncomingBatch, type Reader } from './reader.ts'
import type { Incoming, Outgoing } from './record.ts'
import { createSender } from './sender.ts'
import { type Profile, publicTopics, type TopicSpec } from './topics.ts'
import { createTransactor, type Transactor } from './transactor.ts'
import { createViews } from './views.ts'
import { decode, encode, internalTopics, readRuns } from './wire.ts'

export interface KafkaSettings extends Connection {
  /** Before the names of internal topics, groups and transactions: `candlewire.`. */
  readonly prefix: string
  /** The consumer group of a reader of an internal topic; `{prefix}{name}.{topic}` without. */
  readonly group?: (name: string, topic: Topic) => string
  /** Of internal topics: as many processes of a role can share its work. */
  readonly partitions: number
  /** How long events stay in internal topics, ms. */
  readonly retention: number
  /** Records that may wait in memory for one reader. */
  readonly capacity: number
  /** A folder of this process alone, for what the broker does not take yet, and its limit. */
  readonly outbox: { readonly folder: string; readonly maxBytes: number }
  /** Public topics that are written beside the internal ones; none without. */
  readonly profile?: Profile
}

/** The event log on Kafka, and what only Kafka can. */
export interface KafkaBus extends Bus {
  /** All records of events: the internal one of each and those of the public topics. */
  records<T extends Topic>(topic: T, events: Batch<T>): Outgoing[]
  /** Writes records in one transaction, as `publish` does. */
  send(records: readonly Outgoing[]): Promise<void>
  /** Reads topics of others. Asking for the next batch commits the one before. */
  consume(topics: readonly string[], group: string, signal: AbortSignal): AsyncIterable<readonly Incoming[]>
  /** As `consume`, but commits a batch when it is told to. */
  take(topics: readonly string[], group: string, signal: AbortSignal): Taking
  /** As `consume`, but commits nothing. */
  source(topics: readonly string[], group: string, signal: AbortSignal): Source
  readonly process: Process
  /** The name of an internal topic in Kafka. */
  topicName(topic: Topic): string
  /** Transactions under an id of this deployment. A second holder of the same id locks the first out. */
  transactions(id: string): Transactor
  /** Sets a record aside that could not be read. */
  setAside(record: Incoming, reason: string): Promise<void>
  /** Records each group of this process has yet to commit, asked of the broker. Rejects with `BUS_UNAVAILABLE`. */
  lag(): Promise<{ group: string; topic: string; records: number }[]>
  /** Whether records wait on disk because the broker is away. */
  away(): boolean
  /** Why the log can't be written or read at the moment; absent when all is well. */
  problem(): string | undefined
  /** Ends every reader, writes or keeps on disk what was published, and closes all connections. */
  close(): Promise<void>
}

/** A reading of topics of others. */
export interface Taking {
  /** For one loop, which may ask for the next batch before the one before is committed; commits go in order. */
  readonly batches: AsyncIterable<IncomingBatch>
  /** What this process has of the topics. */
  shares(): Share[]
  /** Why nothing can be read at the moment. */
  problem(): string | undefined
}

interface Tools {
  readonly log: Logger
  readonly metrics?: Metrics
  /** Our clock, ms. */
  readonly now?: () => number
}

interface Subscription {
  readonly topic: Topic | undefined
  readonly name: string
  readonly group: string
  readonly topics: readonly string[]
  readonly reader: Reader
}

const METER_MS = 5_000

/**
 * The bus on a Kafka cluster. It opens whether or not the cluster answers: what is published waits on disk, readers wait
 * for their connection. Rejects only when the outbox folder can't be used.
 */
export async function openKafkaBus(
  settings: KafkaSettings,
  { log, metrics, now = Date.now }: Tools,
): Promise<KafkaBus> {
  const { prefix } = settings
  const options = clientOptions(settings)
  const admin = new Admin(options)
  const groups = createGroups(admin)
  const specs = [...internalSpecs(settings), ...(settings.profile ? publicTopics(settings.profile) : [])]
  const ensure = createEnsure(admin, specs)
  const views = settings.profile && createViews(settings.profile)
  const ends = new Map<string, bigint>()
  const subscriptions = new Set<Subscription>()
  const outbox = await openOutbox(settings.outbox.folder, settings.outbox.maxBytes, (lost) => {
    metrics?.kafkaOutboxLost.inc({ reason: 'full' }, lost)
    log.error({ lost }, 'Kafka: the outbox is full, its oldest records are lost')
  })
  const outboxGroup = `${prefix}outbox.${outbox.id}`
  const markTopic = `${prefix}feed`

  const sender = createSender({
    outbox,
    // Of one id over restarts: what a process that died has left open ends when the next begins.
    transactor: createTransactor(options, ensure, `${prefix}outbox.${outbox.owner}`),
    async position() {
      const marks = await groups.committed(outboxGroup)
      return Number(marks.find(({ topic }) => topic === markTopic)?.offset ?? 0n)
    },
    async prepare() {
      await ensure.topics([markTopic])
      await Promise.all([...subscriptions].map(({ reader }) => reader.begun))
    },
    written: (more) => {
      for (const [key, end] of more) ends.set(key, end)
    },
    mark: (number) => ({
      group: outboxGroup,
      memberId: '',
      generationId: -1,
      positions: [{ topic: markTopic, partition: 0, offset: BigInt(number) }],
    }),
    log,
    ...(metrics && { metrics }),
  })

  function open(
    topics: readonly string[],
    name: string,
    group: string,
    signal: AbortSignal,
    commits: boolean,
    topic?: Topic,
  ) {
    const reader = createReader({
      options,
      group,
      topics,
      groups: {
        ...groups,
        begin: (id, wanted) => ensure.topics(specNames(specs, wanted)).then(() => groups.begin(id, wanted)),
      },
      capacity: settings.capacity,
      ends,
      commits,
      signal,
      log,
    })
    const subscription = { topic, name, group, topics, reader }
    subscriptions.add(subscription)
    void reader.ended.then(() => subscriptions.delete(subscription))
    return reader
  }

  const groupOf = (name: string, topic: Topic) => settings.group?.(name, topic) ?? `${prefix}${name}.${topic}`

  function noteLetter(record: Incoming, reason: string) {
    metrics?.deadLetters.inc({ topic: record.topic })
    log.warn(
      { topic: record.topic, partition: record.partition, offset: String(record.offset), reason },
      'Kafka: dead letter',
    )
  }

  async function setAside(record: Incoming, reason: string): Promise<void> {
    noteLetter(record, reason)
    await sender.publish([deadLetter(record, reason)])
  }

  async function* events<T extends Topic>(
    topic: T,
    batches: AsyncIterable<readonly Incoming[]>,
  ): AsyncGenerator<Batch<T>> {
    for await (const records of batches) {
      const read: Topics[T][] = []
      for (const record of records) {
        try {
          read.push(decode(topic, record.value))
        } catch (error) {
          await setAside(record, reasonOf(error))
        }
      }
      if (read.length > 0) yield read
    }
  }

  const meter = setInterval(() => {
    metrics?.kafkaUp.set(bus.problem() === undefined ? 1 : 0)
    for (const { group, topics, reader } of subscriptions)
      metrics?.kafkaLag.set({ group, topic: topics.join(',') }, reader.waiting())
  }, METER_MS).unref()

  const bus: KafkaBus = {
    records: (topic, batch) => [
      ...batch.map((event) => internalRecord(prefix, topic, event, now())),
      ...(views?.of(topic, batch, now()) ?? []),
    ],
    publish: (topic, batch) => sender.publish(bus.records(topic, batch)),
    subscribe(topic, name, signal) {
      if (signal.aborted) return nothing()
      for (const other of subscriptions) {
        if (other.topic === topic && other.name === name)
          throw new Error(`The group ${name} already has a reader of ${topic}`)
      }
      const group = groupOf(name, topic)
      return events(topic, open([bus.topicName(topic)], name, group, signal, true, topic).read())
    },
    depth: () =>
      [...subscriptions].flatMap(({ topic, name, reader }) =>
        topic === undefined ? [] : [{ topic, group: name, events: reader.waiting() }],
      ),
    send: (records) => sender.publish(records),
    consume: (topics, group, signal) => open(topics, group, group, signal, true).read(),
    take(topics, group, signal) {
      const reader = open(topics, group, group, signal, false)
      return { batches: reader.batches(), shares: reader.shares, problem: reader.problem }
    },
    source: (topics, group, signal) => open(topics, group, group, signal, false),
    async process(topics, name, begin, signal) {
      const [first] = topics
      const group = groupOf(name, first)
      const id = `${group}.${outbox.owner}`
      const stateTopic = `${prefix}state.${name}`
      const scanner = groupConsumer(options, group)
      const stop = new AbortController()
      const ended = AbortSignal.any([signal, stop.signal])
      try {
        await processEach({
          begin,
          signal,
          log,
          transactions: () => createTransactor(options, ensure, id),
          source: () => open(topics.map(bus.topicName), name, group, signal, false, first),
          async kept(standing) {
            const { length: partitions } = await groups.offsets([bus.topicName(first)], 'last')
            ensure.specify({ name: stateTopic, partitions, compacted: true })
            await ensure.topics([stateTopic])
            const parts = { consumer: scanner, groups, topic: bus.topicName(first), stateTopic, signal: ended }
            return readKept(parts, standing)
          },
          read: (records, bad) => readRuns(prefix, topics, records, bad),
          readAgain: (records) => records.map(({ value }) => decode(first, value)),
          letter: (record, reason) => {
            noteLetter(record, reason)
            return deadLetter(record, reason)
          },
          records: bus.records,
        })
      } finally {
        stop.abort()
        await closeAll([scanner])
      }
    },
    topicName: (topic) => `${prefix}${topic}`,
    transactions: (id) => createTransactor(options, ensure, `${prefix}${id}`),
    setAside,
    lag: () => groups.lag([...new Set([...subscriptions].map(({ group }) => group))]),
    away: sender.away,
    problem() {
      if (sender.away()) return `the broker takes no records; ${outbox.size()} wait on disk`
      return [...subscriptions].map(({ reader }) => reader.problem()).find((reason) => reason !== undefined)
    },
    async close() {
      clearInterval(meter)
      await Promise.all([...subscriptions].map(({ reader }) => reader.close()))
      await sender.close()
      await closeAll([admin])
    },
  }
  return bus
}

const internalSpecs = ({ prefix, partitions, retention }: KafkaSettings): TopicSpec[] =>
  internalTopics.map((topic) => ({ name: `${prefix}${topic}`, partitions, retention }))

/** All topics we know of, so that the first who asks makes them all. */
const specNames = (specs: readonly TopicSpec[], wanted: readonly string[]): string[] => [
  ...specs.map(({ name }) => name),
  ...wanted,
]

function internalRecord<T extends Topic>(prefix: string, topic: T, event: Topics[T], now: number): Outgoing {
  const key = marketKey(event)
  const time = 'upTo' in event ? event.upTo : 'time' in event ? event.time : now
  const received = 'received' in event ? event.received : now
  return {
    topic: `${prefix}${topic}`,
    key,
    value: encode(event),
    headers: headersOf(`candlewire.${topic}.v1`, eventId(topic, event), time, received),
  }
}

async function* nothing<T>(): AsyncGenerator<T> {}
