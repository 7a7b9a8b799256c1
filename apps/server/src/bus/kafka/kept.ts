import type { Consumer } from '@platformatic/kafka'
import { failure } from '../../lib/failure.ts'
import type { Groups } from './groups.ts'
import { type Incoming, type Outgoing, type Position, partitionKey } from './record.ts'
import { scan } from './scan.ts'

/**
 * The states of markets, in a compacted topic whose partitions are those of the topic that the states are made of. Each
 * says how far it goes, and from where on there are events in its partition that are in no state of any market.
 */
export interface Kept {
  /** By key of the market. */
  readonly states: ReadonlyMap<string, string>
  /** Events since the states were kept, oldest first, in the order of each partition. */
  again(): AsyncGenerator<readonly Incoming[]>
  /** To be told of events that are worked on. */
  note(records: readonly Incoming[]): void
  /** The record that keeps the state of a market, with all that is done when the group stands at `positions`. */
  write(market: string, state: string, positions: readonly Position[]): Outgoing
}

interface KeptParts {
  readonly consumer: Consumer
  readonly groups: Groups
  /** Whose events the states are made of. */
  readonly topic: string
  readonly stateTopic: string
  readonly signal: AbortSignal
}

interface State {
  readonly value: string
  readonly position: bigint
  readonly partition: number
}

/** Reads what is kept of the partitions that a group stands in. Rejects with `BUS_UNAVAILABLE` or `INVALID_SETTING`. */
export async function readKept(parts: KeptParts, standing: readonly Position[]): Promise<Kept> {
  const { consumer, groups, topic, stateTopic, signal } = parts
  const mine = standing.filter((position) => position.topic === topic)
  const states = new Map<string, State>()
  const floors = new Map<number, bigint>()
  const firsts = await offsetsOf(groups, [topic, stateTopic], 'first')
  const lasts = await offsetsOf(groups, [topic, stateTopic], 'last')
  checkAlike(topic, stateTopic, lasts)

  for (const { partition } of mine) {
    const key = partitionKey({ topic: stateTopic, partition })
    const stretch = { topic: stateTopic, partition, from: firsts.get(key) ?? 0n, to: lasts.get(key) ?? 0n }
    for await (const records of scan(consumer, stretch, oldestOf(stretch), signal)) for (const one of records) take(one)
  }

  // Events may have been deleted that are not in it: its market begins anew.
  for (const [key, { partition, position }] of states)
    if (position < (firsts.get(partitionKey({ topic, partition })) ?? 0n)) states.delete(key)

  function oldestOf({ topic: name, partition }: { topic: string; partition: number }) {
    return async () => (await offsetsOf(groups, [name], 'first')).get(partitionKey({ topic: name, partition })) ?? 0n
  }

  function take({ key, value, headers, partition }: Incoming): void {
    const [position, floor] = [headers.position, headers.floor]
    if (position === undefined || floor === undefined) return
    states.set(key, { value: value.toString(), position: BigInt(position), partition })
    floors.set(partition, BigInt(floor))
  }

  /** Where the partition of a market is known, and the oldest of its events that is in no state. */
  const homes = new Map([...states].map(([key, { partition }]) => [key, partition]))
  const unkept = new Map<number, Map<string, bigint>>()
  function note(records: readonly Incoming[]): void {
    for (const record of records) {
      if (record.topic !== topic) continue
      const { key, partition, offset } = record
      homes.set(key, partition)
      const ofPartition = unkept.get(partition) ?? new Map<string, bigint>()
      unkept.set(partition, ofPartition)
      if (!ofPartition.has(key)) ofPartition.set(key, offset)
    }
  }

  return {
    states: new Map([...states].map(([key, { value }]) => [key, value])),
    async *again() {
      for (const { partition, offset } of mine) {
        const from = floors.get(partition)
        if (from === undefined) continue
        const stretch = { topic, partition, from, to: offset }
        for await (const records of scan(consumer, stretch, oldestOf(stretch), signal)) {
          const missing = records.filter((record) => {
            const state = states.get(record.key)
            return state !== undefined && record.offset >= state.position
          })
          note(missing)
          if (missing.length > 0) yield missing
        }
      }
    },
    note,
    write(market, state, positions) {
      const partition = homes.get(market)
      const at = positions.find((one) => one.topic === topic && one.partition === partition)
      if (partition === undefined || !at) throw new Error(`${market} is none of the markets worked on`)
      const others = unkept.get(partition)
      others?.delete(market)
      const floor = [...(others?.values() ?? [])].reduce((low, offset) => (offset < low ? offset : low), at.offset)
      const headers = { schema: 'candlewire.state.v1', position: String(at.offset), floor: String(floor) }
      return { topic: stateTopic, key: market, value: state, headers }
    },
  }
}

async function offsetsOf(groups: Groups, topics: readonly string[], which: 'first' | 'last') {
  return new Map((await groups.offsets(topics, which)).map((at) => [partitionKey(at), at.offset]))
}

/** A market must have the same number of partition in both. */
function checkAlike(topic: string, stateTopic: string, offsets: ReadonlyMap<string, bigint>): void {
  const count = (name: string) => [...offsets.keys()].filter((key) => key.startsWith(`${name}/`)).length
  if (count(topic) === count(stateTopic)) return
  const reason = `${topic} has ${count(topic)} partitions, ${stateTopic} has ${count(stateTopic)}; they must be alike`
  throw failure('INVALID_SETTING', { name: 'KAFKA_PARTITIONS', reason })
}
