import { committedBatches, nextOffset } from './aborted.ts'
import type { FetchResponse } from './client.ts'
import { type Incoming, type Position, partitionKey } from './record.ts'

type Answer = FetchResponse['responses'][number]['partitions'][number]

interface Progress {
  readonly topic: string
  readonly partition: number
  /** The next offset to fetch. */
  next: bigint
  /** The end of the log, as the broker last told. */
  end: bigint
  /** Records fetched and not yet handed out. */
  buffered: number
}

/** A partition that a reader has, and the records in it that it has not handed out. */
export interface Share {
  readonly topic: string
  readonly partition: number
  readonly lag: number
}

/** How far one reader is in the partitions that it has, across connections and rebalances. */
export interface Partitions {
  /**
   * Takes over what the group has given to this reader, and where the group stands there. Of the records that wait to
   * be handed out, returns those that are still this reader's to hand out.
   */
  assign(positions: readonly Position[], waiting: readonly Incoming[]): Incoming[]
  /** Forgets what was handed out: the next assignment begins where the group stands. */
  reset(): void
  owned(): readonly Readonly<Progress>[]
  /** The committed records of an answer to a fetch from `from`; none when the partition has moved on since. */
  absorb(topic: string, answer: Answer, from: bigint): Incoming[]
  /** Continues elsewhere, because the log no longer holds the next offset. */
  jump(topic: string, partition: number, offset: bigint): void
  /** Counts records as handed out. */
  hand(records: readonly Incoming[]): void
  /** What to commit once these records are done, without partitions that went to others. */
  after(records: readonly Incoming[]): Position[]
  /** What this reader has, and how many records of it wait to be handed out. */
  shares(): Share[]
  /** Records in the log that have not been fetched. `known` are ends known from elsewhere. */
  behind(known: ReadonlyMap<string, bigint>): number
  reached(key: string, end: bigint): boolean
}

export function partitions(): Partitions {
  let mine = new Map<string, Progress>()
  /** Next offset to hand out, of every partition this reader ever had. */
  const handed = new Map<string, bigint>()

  return {
    assign(positions, waiting) {
      const taken = new Map<string, Progress>()
      for (const { topic, partition, offset } of positions) {
        const key = partitionKey({ topic, partition })
        const floor = max(offset, handed.get(key) ?? 0n)
        const before = mine.get(key)
        const next = before && before.next > floor ? before.next : floor
        taken.set(key, { topic, partition, next, end: max(next, before?.end ?? 0n), buffered: 0 })
        handed.set(key, floor)
      }
      const kept = waiting.filter((record) => {
        const key = partitionKey(record)
        return mine.has(key) && taken.has(key) && record.offset >= handed.get(key)!
      })
      for (const record of kept) taken.get(partitionKey(record))!.buffered++
      mine = taken
      return kept
    },
    reset() {
      mine = new Map()
      handed.clear()
    },
    owned: () => [...mine.values()],
    absorb(topic, answer, from) {
      const progress = mine.get(partitionKey({ topic, partition: answer.partitionIndex }))
      if (!progress || progress.next !== from) return []
      progress.end = max(progress.end, answer.highWatermark)
      progress.next = nextOffset(answer, from)
      const records = committedBatches(answer).flatMap((batch) => readBatch(topic, answer.partitionIndex, batch, from))
      progress.buffered += records.length
      return records
    },
    jump(topic, partition, offset) {
      const progress = mine.get(partitionKey({ topic, partition }))
      if (progress) progress.next = offset
    },
    hand(records) {
      for (const record of records) {
        const key = partitionKey(record)
        const progress = mine.get(key)
        if (progress) progress.buffered--
        handed.set(key, record.offset + 1n)
      }
    },
    after(records) {
      const done = new Map<string, Position>()
      for (const { topic, partition } of records) {
        const key = partitionKey({ topic, partition })
        const progress = mine.get(key)
        const next = handed.get(key)
        if (!progress || next === undefined) continue
        // With nothing left behind the records, the markers of transactions behind them are done too.
        done.set(key, { topic, partition, offset: progress.buffered === 0 ? max(progress.next, next) : next })
      }
      return [...done.values()]
    },
    shares: () =>
      [...mine.values()].map(({ topic, partition, next, end, buffered }) => ({
        topic,
        partition,
        lag: Number(max(end - next, 0n)) + buffered,
      })),
    behind: (known) =>
      [...mine].reduce((sum, [key, { next, end }]) => sum + Number(max(max(end, known.get(key) ?? 0n) - next, 0n)), 0),
    reached: (key, end) => (mine.get(key)?.next ?? end) >= end,
  }
}

type Batch = ReturnType<typeof committedBatches>[number]

export function readBatch(topic: string, partition: number, batch: Batch, from: bigint): Incoming[] {
  const records: Incoming[] = []
  for (const { key, value, headers, offsetDelta, timestampDelta } of batch.records) {
    const offset = batch.firstOffset + BigInt(offsetDelta)
    if (offset < from) continue
    const named = Object.fromEntries(headers.map(([name, text]) => [name?.toString() ?? '', text?.toString() ?? '']))
    const time = Number(batch.firstTimestamp + timestampDelta)
    records.push({
      topic,
      partition,
      offset,
      key: key?.toString() ?? '',
      value: value ?? Buffer.alloc(0),
      headers: named,
      time,
    })
  }
  return records
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
