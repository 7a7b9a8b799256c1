import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, ListOffsetTimestamps } from '@platformatic/kafka'
import { hasAnswer, unavailable } from './errors.ts'
import { type Position, partitionKey } from './record.ts'

/** Where groups stand and how long logs are, as the broker tells. Everything rejects with `BUS_UNAVAILABLE`. */
export interface Groups {
  /** Committed positions of a group; partitions without one are left out. Waits for transactions under way. */
  committed(group: string): Promise<Position[]>
  /** First or last offset of each partition of the topics. */
  offsets(topics: readonly string[], which: 'first' | 'last'): Promise<Position[]>
  /** Makes a group begin at the end of these topics where it has not begun yet. */
  begin(group: string, topics: readonly string[]): Promise<void>
  /** Records that each group has yet to commit, by topic; markers of transactions count as records. */
  lag(groups: readonly string[]): Promise<{ group: string; topic: string; records: number }[]>
}

/** The broker ends a transaction that a process left open when it died after so long, and a little. */
const UNSTABLE_MS = 40_000
const LOOK_MS = 100

/** Asks again while a transaction is under way. */
async function stable<R>(ask: () => Promise<R>): Promise<R> {
  for (const end = Date.now() + UNSTABLE_MS; ; await sleep(LOOK_MS)) {
    try {
      return await ask()
    } catch (error) {
      if (!hasAnswer(error, 'UNSTABLE_OFFSET_COMMIT') || Date.now() > end) throw error
    }
  }
}

export function createGroups(admin: Admin): Groups {
  const asking = async <R>(work: () => Promise<R>): Promise<R> => {
    try {
      return await work()
    } catch (error) {
      throw unavailable(error)
    }
  }

  const committed = (group: string) =>
    asking(async () => {
      const [answer] = await stable(() =>
        admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics: null }], requireStable: true }),
      )
      return (answer?.topics ?? []).flatMap(({ name, partitions }) =>
        partitions
          .filter(({ committedOffset }) => committedOffset >= 0n)
          .map(({ partitionIndex, committedOffset }) => ({
            topic: name,
            partition: partitionIndex,
            offset: committedOffset,
          })),
      )
    })

  const offsets = (topics: readonly string[], which: 'first' | 'last') =>
    asking(async () => {
      const { topics: known } = await admin.metadata({ topics: [...topics], forceUpdate: true })
      const timestamp = which === 'first' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST
      const listed = await admin.listOffsets({
        topics: [...known].map(([name, { partitionsCount }]) => ({
          name,
          partitions: Array.from({ length: partitionsCount }, (_, partitionIndex) => ({ partitionIndex, timestamp })),
        })),
        isolationLevel: 0,
      })
      return listed.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, offset }) => ({ topic: name, partition: partitionIndex, offset })),
      )
    })

  return {
    committed,
    offsets,
    async begin(group, topics) {
      const begun = new Set((await committed(group)).map(partitionKey))
      const missing = (await offsets(topics, 'last')).filter((position) => !begun.has(partitionKey(position)))
      if (missing.length === 0) return
      await asking(() => admin.alterConsumerGroupOffsets({ groupId: group, topics: byTopic(missing) })).catch(
        async (error) => {
          // Another process has just begun the group.
          if (!(await admin.describeGroups({ groups: [group] })).get(group)?.members.size) throw error
        },
      )
    },
    async lag(groups) {
      const rows: { group: string; topic: string; records: number }[] = []
      for (const group of groups) {
        const positions = await committed(group)
        const topics = [...new Set(positions.map(({ topic }) => topic))]
        if (topics.length === 0) continue
        const ends = new Map((await offsets(topics, 'last')).map((end) => [partitionKey(end), end.offset]))
        for (const topic of topics) {
          const records = positions
            .filter((position) => position.topic === topic)
            .reduce((sum, at) => sum + Number((ends.get(partitionKey(at)) ?? at.offset) - at.offset), 0)
          rows.push({ group, topic, records })
        }
      }
      return rows
    },
  }
}

function byTopic(positions: readonly Position[]) {
  const topics = [...new Set(positions.map(({ topic }) => topic))]
  return topics.map((name) => ({
    name,
    partitionOffsets: positions
      .filter(({ topic }) => topic === name)
      .map(({ partition, offset }) => ({ partition, offset })),
  }))
}
