import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from '@platformatic/kafka'
import { committedBatches, nextOffset } from './aborted.ts'
import { hasAnswer, unavailable } from './errors.ts'
import { readBatch } from './partitions.ts'
import type { Incoming } from './record.ts'

export interface Stretch {
  readonly topic: string
  readonly partition: number
  /** `to` exclusive. */
  readonly from: bigint
  readonly to: bigint
}

const BYTES = 4 * 1024 * 1024
const PAUSE_MS = 20

/**
 * What is committed of a stretch of the log; waits for the transactions in it that are under way. Begins with the oldest
 * record there is when the log no longer holds the first. Rejects with `BUS_UNAVAILABLE`, also when the signal aborts.
 */
export async function* scan(
  consumer: Consumer,
  { topic, partition, from, to }: Stretch,
  oldest: () => Promise<bigint>,
  signal: AbortSignal,
): AsyncGenerator<readonly Incoming[]> {
  for (let next = from; next < to; ) {
    try {
      signal.throwIfAborted()
      const answer = await fetchFrom(consumer, { topic, partition, from: next, to })
      if (!answer) {
        next = max(next + 1n, await oldest())
        continue
      }
      const records = committedBatches(answer).flatMap((batch) => readBatch(topic, partition, batch, next))
      const after = nextOffset(answer, next)
      if (after === next) await sleep(PAUSE_MS, undefined, { signal })
      next = after
      yield records.filter(({ offset }) => offset < to)
    } catch (error) {
      throw unavailable(error)
    }
  }
}

/** Undefined when the log no longer holds that offset. */
async function fetchFrom(consumer: Consumer, { topic, partition, from }: Stretch) {
  const { topics } = await consumer.metadata({ topics: [topic] })
  const known = topics.get(topic)
  const node = known?.partitions[partition]?.leader
  if (!known || node === undefined) throw new Error(`${topic}/${partition} has no leader`)
  const wanted = {
    partition,
    fetchOffset: from,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    partitionMaxBytes: BYTES,
  }
  try {
    const { responses } = await consumer.fetch({ node, topics: [{ topicId: known.id, partitions: [wanted] }] })
    return responses[0]?.partitions[0] ?? fail(`${topic}/${partition} was not answered`)
  } catch (error) {
    if (hasAnswer(error, 'OFFSET_OUT_OF_RANGE')) return undefined
    throw error
  }
}

function fail(reason: string): never {
  throw new Error(reason)
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
