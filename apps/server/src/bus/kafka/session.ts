import type { BaseOptions, Consumer } from '@platformatic/kafka'
import { assignAlike } from './assign.ts'
import { closeAll, type FetchResponse, groupConsumer } from './client.ts'
import { hasAnswer, unavailable } from './errors.ts'
import type { Groups } from './groups.ts'
import type { Partitions } from './partitions.ts'
import { type Incoming, type Position, partitionKey } from './record.ts'

/** Bytes that one fetch brings at most, and at most of one partition (more only when a single batch is larger). */
const FETCH_BYTES = 8 * 1024 * 1024
const PARTITION_BYTES = 2 * 1024 * 1024

export interface SessionParts {
  readonly options: BaseOptions
  readonly group: string
  readonly topics: readonly string[]
  /** The member that this reader was before: the group need not wait for it in vain. */
  readonly memberId: string | undefined
  readonly groups: Groups
  readonly partitions: Partitions
  /** What has been read; an assignment asks for what still waits, to keep of it what is still this reader's. */
  readonly taken: (records: readonly Incoming[]) => void
  readonly reassigned: (positions: readonly Position[]) => void
  readonly hasRoom: () => boolean
  /** Resolves when there may be room again, or the signal aborts. */
  readonly room: (signal: AbortSignal) => Promise<void>
}

/** One membership in a group, over one set of connections, until it breaks. */
export interface Session {
  /** Reads until the signal aborts or something breaks; then rejects with `BUS_UNAVAILABLE`. */
  run(signal: AbortSignal): Promise<void>
  commit(positions: readonly Position[]): Promise<void>
  /** Asks anew where the group stands. Rejects with `BUS_UNAVAILABLE`. */
  takeOver(): Promise<readonly Position[]>
  member(): { memberId: string; generationId: number }
  close(): Promise<void>
}

/**
 * The member and the reader have a client each: a fetch that waits for data must not hold up commits and heartbeats.
 */
export function openSession(parts: SessionParts): Session {
  const { options, group, topics } = parts
  const member = groupConsumer(options, group, { partitionAssigner: assignAlike })
  const reader = groupConsumer(options, group, { maxBytes: FETCH_BYTES })
  for (const consumer of [member, reader]) consumer.topics.trackAll(...topics)
  member.memberId = parts.memberId ?? null
  let wake = () => {}
  let broken: unknown
  const fail = (error: unknown) => {
    broken ??= error
    wake()
  }
  member.on('consumer:heartbeat:error', ({ error }) => {
    if (!hasAnswer(error, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID')) fail(error)
  })
  member.on('consumer:heartbeat:stalled', () => fail(new Error('no heartbeat was answered')))

  // When it rejoins its group and can't, the client gives up without another heartbeat.
  for (const consumer of [member, reader]) consumer.on('error', fail)

  /** Generation and assignment belong together; the client knows of a new generation long before the assignment. */
  let joined: Joined = { generationId: -1, assigned: [] }
  let assigning = Promise.resolve()
  const assign = () => {
    const assigned = (member.assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    joined = { generationId: member.generationId, assigned }
    assigning = assigning.then(() => takeOver(joined, parts)).then(() => wake(), fail)
  }
  member.on('consumer:group:join', assign)

  return {
    async run(signal) {
      const stopped = () => wake()
      signal.addEventListener('abort', stopped, { once: true })
      try {
        await member.joinGroup({})
        await assigning
        await fetchAll(reader, parts, signal, fail, {
          broken: () => broken,
          wait: () => new Promise((resolve) => (wake = resolve)),
          wake: () => wake(),
        })
      } catch (error) {
        throw unavailable(error)
      } finally {
        signal.removeEventListener('abort', stopped)
      }
    },
    async commit(positions) {
      await member.commit({ offsets: positions.map((position) => ({ ...position, leaderEpoch: -1 })) })
    },
    takeOver() {
      // In turn with those of rebalances: an older answer must not come last.
      const turn = assigning.then(() => takeOver(joined, parts))
      assigning = turn.then(
        () => wake(),
        () => {},
      )
      return turn
    },
    member: () => ({ memberId: member.memberId ?? '', generationId: joined.generationId }),
    close: () => closeAll([member, reader]),
  }
}

interface Joined {
  readonly generationId: number
  readonly assigned: readonly { readonly topic: string; readonly partition: number }[]
}

/** Asks where the group stands in the partitions that it has given to this member. */
async function takeOver(
  { assigned: mine }: Joined,
  { group, topics, groups, reassigned }: SessionParts,
): Promise<readonly Position[]> {
  const committed = new Map((await groups.committed(group)).map((at) => [partitionKey(at), at.offset]))
  const missing = mine.some((at) => !committed.has(partitionKey(at)))
  const first = new Map(
    missing ? (await groups.offsets(topics, 'first')).map((at) => [partitionKey(at), at.offset]) : [],
  )
  const positions = mine.map((at) => ({
    ...at,
    offset: committed.get(partitionKey(at)) ?? first.get(partitionKey(at)) ?? 0n,
  }))
  reassigned(positions)
  return positions
}

interface Turn {
  broken(): unknown
  wait(): Promise<void>
  wake(): void
}

/** Keeps one fetch under way at each broker that leads a partition, while there is room. */
async function fetchAll(
  reader: Consumer,
  parts: SessionParts,
  signal: AbortSignal,
  fail: (error: unknown) => void,
  turn: Turn,
): Promise<void> {
  const underWay = new Set<number>()
  while (!signal.aborted) {
    if (turn.broken()) throw turn.broken()
    if (!parts.hasRoom()) {
      await parts.room(signal)
      continue
    }
    const metadata = await reader.metadata({ topics: [...parts.topics] })
    const names = new Map([...metadata.topics].map(([name, { id }]) => [id, name]))
    const changed = turn.wait()
    for (const [node, wanted] of byLeader(parts.partitions, metadata)) {
      if (underWay.has(node)) continue
      underWay.add(node)
      fetchOnce(reader, node, wanted, names, parts)
        .catch(fail)
        .finally(() => {
          underWay.delete(node)
          turn.wake()
        })
    }
    if (!turn.broken() && !signal.aborted) await changed
  }
}

type Wanted = { topic: string; topicId: string; partition: number; next: bigint }

function byLeader(
  partitions: Partitions,
  { topics }: Awaited<ReturnType<Consumer['metadata']>>,
): Map<number, Wanted[]> {
  const leaders = new Map<number, Wanted[]>()
  for (const { topic, partition, next } of partitions.owned()) {
    const known = topics.get(topic)
    const leader = known?.partitions[partition]?.leader
    if (!known || leader === undefined) continue
    const wanted = leaders.get(leader) ?? []
    wanted.push({ topic, topicId: known.id, partition, next })
    leaders.set(leader, wanted)
  }
  return leaders
}

async function fetchOnce(
  reader: Consumer,
  node: number,
  wanted: readonly Wanted[],
  names: ReadonlyMap<string, string>,
  parts: SessionParts,
): Promise<void> {
  const asked = new Map(wanted.map((one) => [partitionKey(one), one.next]))
  let response: FetchResponse
  try {
    response = await reader.fetch({ node, topics: wanted.map(request) })
  } catch (error) {
    if (!hasAnswer(error, 'OFFSET_OUT_OF_RANGE')) throw error
    // Retention has taken what was next: go on with the oldest there is.
    const first = new Map((await parts.groups.offsets(parts.topics, 'first')).map((at) => [partitionKey(at), at]))
    for (const one of wanted) {
      const at = first.get(partitionKey(one))
      if (at && at.offset > one.next) parts.partitions.jump(one.topic, one.partition, at.offset)
    }
    return
  }
  for (const { topicId, partitions } of response.responses) {
    const topic = names.get(topicId)
    if (topic === undefined) continue
    for (const answer of partitions) {
      const from = asked.get(partitionKey({ topic, partition: answer.partitionIndex }))
      if (from !== undefined) parts.taken(parts.partitions.absorb(topic, answer, from))
    }
  }
}

const request = ({ topicId, partition, next }: Wanted) => ({
  topicId,
  partitions: [
    { partition, fetchOffset: next, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: PARTITION_BYTES },
  ],
})
