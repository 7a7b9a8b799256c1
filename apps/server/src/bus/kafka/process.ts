import { setTimeout as sleep } from 'node:timers/promises'
import { isFailure } from '../../lib/failure.ts'
import type { Logger } from '../../lib/log.ts'
import type { Batch, Topic, Topics } from '../bus.ts'
import { reasonOf } from './errors.ts'
import type { Incoming, Outgoing } from './record.ts'
import type { Progress, Transactor } from './transactor.ts'

/** A subscription whose positions are committed by transactions. */
export interface Source {
  read(): AsyncIterable<readonly Incoming[]>
  /** For `Transaction.commitOffsets`: the group has dealt with these records and all before. */
  progress(records: readonly Incoming[]): Progress
  /** Goes back to where the group stands. */
  rewind(): Promise<void>
  /** Changes when partitions may have changed hands. */
  generation(): number
  /** Ends it at once. */
  close(): Promise<void>
}

/** What a piece of work writes. Nothing is visible before the batch is committed. */
export interface Output {
  publish<T extends Topic>(topic: T, events: Batch<T>): void
  /** Records of topics that are none of the bus, such as the state of a fold. */
  send(records: readonly Outgoing[]): void
}

type Work<T extends Topic> = (events: Batch<T>, out: Output) => Promise<void>

/**
 * Makes a piece of work that stands where the group's committed offsets stand. Also called when partitions have changed
 * hands.
 */
export type Begin<T extends Topic> = () => Promise<Work<T>>

interface Parts<T extends Topic> {
  readonly begin: Begin<T>
  readonly signal: AbortSignal
  readonly log: Logger
  /** Of one id, so that the next ends what the one before may have left open. */
  readonly transactions: () => Transactor
  readonly source: () => Source
  /** Throws when the record is no event. */
  readonly read: (record: Incoming) => Topics[T]
  readonly letter: (record: Incoming, reason: string) => Outgoing
  readonly records: <O extends Topic>(topic: O, events: Batch<O>) => Outgoing[]
}

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000

/**
 * Batch after batch, each in a transaction. When one is lost it goes on from the committed offsets, as the member of the
 * group that it is: leaving would cost the other members their transactions, and theirs ours.
 */
export async function processEach<T extends Topic>(parts: Parts<T>): Promise<void> {
  const { signal, log } = parts
  const source = parts.source()
  const batches = source.read()[Symbol.asyncIterator]()
  let wait = FIRST_WAIT_MS
  try {
    while (!signal.aborted) {
      try {
        if ((await run(parts, source, batches, () => (wait = FIRST_WAIT_MS))) === 'end') return
      } catch (error) {
        if (!isFailure(error) || error.code !== 'BUS_UNAVAILABLE') throw error
        log.warn({ err: error, waitMs: wait }, 'Kafka: a transaction was lost, going on from the last')
        await sleep(wait, undefined, { signal }).catch(() => {})
        wait = Math.min(wait * 2, LONGEST_WAIT_MS)
      }
    }
  } finally {
    await source.close()
  }
}

/** One piece of work, until partitions change hands. */
async function run<T extends Topic>(
  parts: Parts<T>,
  source: Source,
  batches: AsyncIterator<readonly Incoming[]>,
  committed: () => void,
): Promise<'end' | 'moved'> {
  const transactions = parts.transactions()
  try {
    await transactions.open()
    const generation = source.generation()
    const work = await parts.begin()
    await source.rewind()
    for (;;) {
      const { done, value } = await batches.next()
      if (done) return 'end'
      if (source.generation() !== generation) return 'moved'
      await transactions.run(async (tx) => {
        await tx.publish(await outputOf(parts, work, value))
        await tx.commitOffsets(source.progress(value))
      })
      committed()
    }
  } finally {
    await transactions.close()
  }
}

async function outputOf<T extends Topic>(
  { read, letter, records }: Parts<T>,
  work: Work<T>,
  incoming: readonly Incoming[],
): Promise<Outgoing[]> {
  const out: Outgoing[] = []
  const events: Topics[T][] = []
  for (const record of incoming) {
    try {
      events.push(read(record))
    } catch (error) {
      out.push(letter(record, reasonOf(error)))
    }
  }
  await work(events, {
    publish: (topic, batch) => out.push(...records(topic, batch)),
    send: (more) => out.push(...more),
  })
  return out
}
