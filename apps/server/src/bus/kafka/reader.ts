import { setTimeout as sleep } from 'node:timers/promises'
import type { BaseOptions } from '@platformatic/kafka'
import { fifo } from '../../lib/fifo.ts'
import type { Logger } from '../../lib/log.ts'
import { reasonOf } from './errors.ts'
import type { Groups } from './groups.ts'
import { partitions, type Share } from './partitions.ts'
import type { Incoming, Position } from './record.ts'
import { openSession, type Session } from './session.ts'
import type { Progress } from './transactor.ts'

/** What comes of a subscription. */
export interface Reader {
  /** Resolves when the group's place in the log is fixed: what is written from then on reaches it. */
  readonly begun: Promise<void>
  /** Resolves when the reader has ended. */
  readonly ended: Promise<void>
  /** Batches in the order of each partition, for one loop. Asking for the next commits the one before. */
  read(): AsyncGenerator<readonly Incoming[]>
  /** The same with a word for each batch that says it is done, for a reader that does not commit by itself. */
  batches(): AsyncGenerator<IncomingBatch>
  /** What this reader has of the topics. */
  shares(): Share[]
  /** Records in the log that the group has not committed, as far as this process knows. */
  waiting(): number
  /** What `Transaction.commitOffsets` needs to commit these records instead of the reader. */
  progress(records: readonly Incoming[]): Progress
  /** Goes back to where the group stands. What is in the hands of the loop counts as not done. */
  rewind(): Promise<readonly Position[]>
  /** Whether this is the last batch, and was read since the last `rewind`. */
  isCurrent(records: readonly Incoming[]): boolean
  /** Of the group, as this reader's membership knows it; it changes with every rebalance. */
  generation(): number
  /** Why it reads nothing at the moment; absent when it is a member of its group. */
  problem(): string | undefined
  /** Ends the reader at once; what was not committed comes again to the next of its group. */
  close(): Promise<void>
}

export interface IncomingBatch {
  readonly records: readonly Incoming[]
  /**
   * Says that the records and all before them are done. They come again all the same when their partitions have changed
   * hands meanwhile, or the broker does not answer.
   */
  commit(): Promise<void>
}

export interface ReaderParts {
  readonly options: BaseOptions
  readonly group: string
  readonly topics: readonly string[]
  readonly groups: Groups
  /** Records that may wait in memory; a fetch is not begun above it. */
  readonly capacity: number
  /** Ends of what this process has written (`topic/partition`): read before an abort ends the reader. */
  readonly ends: ReadonlyMap<string, bigint>
  /** False when offsets are committed by transactions. */
  readonly commits: boolean
  readonly signal: AbortSignal
  readonly log: Logger
}

const BATCH_RECORDS = 512
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000
/** After an abort: how long to wait for what this process has written and the broker has not given back yet. */
const DRAIN_MS = 10_000
/** And how long for word that what was handed out is done. */
const SETTLE_MS = 5_000

/** Reads topics as a member of a group, over as many connections as it takes. */
export function createReader(parts: ReaderParts): Reader {
  const { signal, log, group, groups, ends } = parts
  const before = new Map(ends)
  const mine = partitions()
  const buffer = fifo<Incoming>()
  const stop = new AbortController()
  let handedOut = 0
  let current: readonly Incoming[] | undefined
  let session: Session | undefined
  let memberId: string | undefined
  let wake = () => {}
  let hasRoom = () => {}
  let problem: string | undefined = 'not connected yet'

  const begun = begin()
  const running = begun.then(() => connect())
  let deadline: NodeJS.Timeout | undefined
  const ending = () => {
    deadline = setTimeout(end, DRAIN_MS)
    wake()
  }
  function end() {
    stop.abort()
    wake()
  }
  signal.addEventListener('abort', ending, { once: true })
  if (signal.aborted) stop.abort()

  async function retrying(what: string, work: () => Promise<void>): Promise<void> {
    for (let wait = FIRST_WAIT_MS; !stop.signal.aborted; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      const began = Date.now()
      try {
        return await work()
      } catch (error) {
        if (stop.signal.aborted) return
        problem = reasonOf(error)
        log.warn({ err: error, group, waitMs: wait }, `Kafka: ${what}, trying again`)
        if (Date.now() - began > LONGEST_WAIT_MS) wait = FIRST_WAIT_MS
      }
      await sleep(wait, undefined, { signal: stop.signal }).catch(() => {})
    }
  }

  async function begin(): Promise<void> {
    if (!signal.aborted)
      await retrying('the place of a group in the log is not known', () => groups.begin(group, parts.topics))
  }

  async function connect(): Promise<void> {
    await retrying('the connection to the broker is lost', async () => {
      const opened = openSession({
        ...parts,
        memberId,
        partitions: mine,
        taken,
        reassigned,
        hasRoom: () => buffer.size() < parts.capacity,
        room: (aborted) => waitFor(aborted, (resolve) => (hasRoom = resolve)),
      })
      session = opened
      try {
        await opened.run(stop.signal)
      } finally {
        if (stop.signal.aborted) await flush()
        session = undefined
        memberId = opened.member().memberId || undefined
        await opened.close()
      }
    })
  }

  function taken(records: readonly Incoming[]) {
    for (const record of records) buffer.push(record)
    wake()
  }

  function reassigned(positions: readonly Position[]) {
    problem = undefined
    const waiting: Incoming[] = []
    for (let record = buffer.shift(); record; record = buffer.shift()) waiting.push(record)
    for (const record of mine.assign(positions, waiting)) buffer.push(record)
    wake()
    hasRoom()
  }

  let due: readonly Position[] = []
  let committing: Promise<void> | undefined
  /** One commit is under way at a time; what comes meanwhile goes together with the next. */
  function commit(positions: readonly Position[]) {
    const newer = new Set(positions.map(({ topic, partition }) => `${topic}/${partition}`))
    due = [...due.filter(({ topic, partition }) => !newer.has(`${topic}/${partition}`)), ...positions]
    committing ??= commitDue().finally(() => (committing = undefined))
  }
  async function commitDue(): Promise<void> {
    while (due.length > 0 && session) {
      const positions = due
      due = []
      await session
        .commit(positions)
        .catch((error: unknown) => log.warn({ err: error, group }, 'Kafka: a commit failed'))
    }
  }
  async function flush(): Promise<void> {
    await committing
    await commitDue()
  }

  function drained(): boolean {
    for (const [key, end] of ends) {
      if (!parts.topics.some((topic) => key.startsWith(`${topic}/`)) || end <= (before.get(key) ?? 0n)) continue
      if (mine.owned().length === 0 || !mine.reached(key, end)) return false
    }
    return true
  }

  function take(): Incoming[] {
    const batch: Incoming[] = []
    while (batch.length < BATCH_RECORDS && buffer.size() > 0) batch.push(buffer.shift()!)
    mine.hand(batch)
    handedOut = batch.length
    current = batch
    hasRoom()
    return batch
  }

  async function* read(): AsyncGenerator<readonly Incoming[]> {
    try {
      for (;;) {
        if (buffer.size() > 0) {
          const batch = take()
          yield batch
          handedOut = 0
          if (parts.commits) commit(mine.after(batch))
        } else if (stop.signal.aborted || (signal.aborted && drained())) {
          await untilSettled()
          return
        } else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      handedOut = 0
      await close()
    }
  }

  /** Batches in the hands of the loop, and who waits for their end. */
  const open = { count: 0, settled: () => {} }

  async function* batches(): AsyncGenerator<IncomingBatch> {
    for await (const records of read()) {
      const positions = mine.after(records)
      const generation = session?.member().generationId
      open.count++
      yield {
        records,
        async commit() {
          if (generation === session?.member().generationId) commit(positions)
          await committing
          open.count--
          if (open.count === 0) open.settled()
        },
      }
    }
  }

  async function untilSettled(): Promise<void> {
    if (open.count === 0) return
    const settled = new Promise<void>((resolve) => (open.settled = resolve))
    await Promise.race([settled, sleep(SETTLE_MS, undefined, { ref: false })])
  }

  async function close(): Promise<void> {
    signal.removeEventListener('abort', ending)
    clearTimeout(deadline)
    end()
    await running
    buffer.clear()
  }

  return {
    begun,
    batches,
    shares: mine.shares,
    ended: running,
    read,
    waiting: () => handedOut + buffer.size() + mine.behind(ends),
    progress: (records) => ({
      group,
      positions: mine.after(records),
      ...(session?.member() ?? { memberId: '', generationId: -1 }),
    }),
    async rewind() {
      current = undefined
      buffer.clear()
      mine.reset()
      hasRoom()
      return (await session?.takeOver()) ?? []
    },
    isCurrent: (records) => records === current,
    problem: () => problem,
    generation: () => session?.member().generationId ?? -1,
    close,
  }
}

function waitFor(signal: AbortSignal, set: (resolve: () => void) => void): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
    set(done)
  })
}
