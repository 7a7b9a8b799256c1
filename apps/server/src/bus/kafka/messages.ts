import {
  type ClusterMetadata,
  compatibilityPartitioner,
  type Message,
  type MessageConsumerMetadata,
  type MessageToProduce,
  type ProduceResult,
} from '@platformatic/kafka'
import { type Outgoing, type Position, partitionKey } from './record.ts'

/** Bytes of one request; the broker's own limit for a batch is twice that. */
const REQUEST_BYTES = 512 * 1024
const HEAD_BYTES = 100

/** About what a record takes on the wire. */
export const sizeOf = ({ key, value, headers }: Outgoing): number =>
  Object.entries(headers).reduce(
    (size, [name, text]) => size + name.length + text.length,
    HEAD_BYTES + key.length + value.length,
  )

/** Cuts records into runs of at most `limit` bytes, each of at least one record. */
export function* chunks(records: readonly Outgoing[], limit = REQUEST_BYTES): Generator<readonly Outgoing[]> {
  let from = 0
  let size = 0
  for (const [index, record] of records.entries()) {
    const more = sizeOf(record)
    if (index > from && size + more > limit) {
      yield records.slice(from, index)
      from = index
      size = 0
    }
    size += more
  }
  if (from < records.length) yield records.slice(from)
}

/** The message of a record, in the partition that any Kafka client gives its key. */
export function toMessage({ topic, key, value, headers }: Outgoing, { topics }: ClusterMetadata): MessageToProduce {
  const bytes = Buffer.from(key)
  const message: MessageToProduce = { topic, key: bytes, value: Buffer.from(value) }
  message.headers = new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]))
  message.partition = compatibilityPartitioner(message, bytes) % (topics.get(topic)?.partitionsCount ?? 1)
  return message
}

/** Notes how far the records of one request reach in each partition. */
export function noteEnds(ends: Map<string, bigint>, sent: readonly MessageToProduce[], result: ProduceResult): void {
  const counts = new Map<string, bigint>()
  for (const { topic, partition = 0 } of sent) {
    const key = partitionKey({ topic, partition })
    counts.set(key, (counts.get(key) ?? 0n) + 1n)
  }
  for (const written of result.offsets ?? []) {
    const key = partitionKey(written)
    ends.set(key, written.offset + (counts.get(key) ?? 0n))
  }
}

const NOTHING = Buffer.alloc(0)

/** The message in front of a position: the client commits positions as messages that have been dealt with. */
export function messageBefore({ topic, partition, offset }: Position, consumer: MessageConsumerMetadata): Message {
  const bare = { key: NOTHING, value: NOTHING, topic, partition, leaderEpoch: -1, metadata: { consumer } }
  return {
    ...bare,
    offset: offset - 1n,
    timestamp: 0n,
    headers: new Map(),
    headerEntries: [],
    commit: () => {},
    toJSON: () => ({ ...bare, headers: [], timestamp: '0', offset: String(offset - 1n) }),
  }
}
