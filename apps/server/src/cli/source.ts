import type { KafkaBus, Taking } from '../bus/kafka/kafka.ts'
import type { Incoming } from '../bus/kafka/record.ts'
import type { RecordSource, SourceRecord } from '../dispatch/source.ts'

/** What the dispatcher reads, from Kafka, as a member of this group. For one reader. */
export function kafkaSource(kafka: Pick<KafkaBus, 'take'>, groupId: string): RecordSource {
  let taking: Taking | undefined
  return {
    async *read(topics, signal) {
      taking = kafka.take(topics, groupId, signal)
      for await (const { records, commit } of taking.batches) yield { records: records.map(toSource), commit }
    },
    status() {
      const shares = taking?.shares() ?? []
      const lag: Record<string, number> = {}
      for (const share of shares) lag[share.topic] = (lag[share.topic] ?? 0) + share.lag
      return {
        connected: taking !== undefined && taking.problem() === undefined,
        groupId,
        assignments: shares.map(({ topic, partition }) => `${topic}:${partition}`),
        lag,
      }
    },
  }
}

const toSource = ({ topic, partition, offset, key, value, headers }: Incoming): SourceRecord => ({
  topic,
  id: `${topic}:${partition}:${offset}`,
  key,
  value: value.toString(),
  headers,
})
