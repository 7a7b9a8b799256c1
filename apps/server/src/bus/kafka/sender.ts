import { setTimeout as sleep } from 'node:timers/promises'
import { failure, isFailure } from '../../lib/failure.ts'
import { fifo } from '../../lib/fifo.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { sizeOf } from './messages.ts'
import type { Numbered, Outbox } from './outbox.ts'
import type { Outgoing } from './record.ts'
import type { Ends, Progress, Transactor } from './transactor.ts'

export interface Sender {
  /**
   * Resolves once the broker has the records for good or, while it is away, the disk has. Everything published is
   * written in the order of the calls, each record once. Rejects with `BUS_REFUSED` for records no broker would take.
   */
  publish(records: readonly Outgoing[]): Promise<void>
  /** Whether records wait on disk for the broker. */
  away(): boolean
  /** Sends what it can at once and leaves the rest on disk. */
  close(): Promise<void>
}

export interface SenderParts {
  readonly transactor: Transactor
  readonly outbox: Outbox
  /** Up to which number the broker has the records of this outbox. */
  readonly position: () => Promise<number>
  /** Called before each transaction; what it rejects with counts as an absent broker. */
  readonly prepare: () => Promise<void>
  /** Called after each transaction. */
  readonly written: (ends: Ends) => void
  /** Puts the number of the last record into the transaction. */
  readonly mark: (number: number) => Progress
  readonly log: Logger
  readonly metrics?: Pick<Metrics, 'kafkaOutbox' | 'kafkaOutboxLost'>
}

interface Job {
  readonly entries: readonly Numbered[]
  readonly bytes: number
  resolve(): void
  reject(error: unknown): void
}

/** Of one transaction. */
const BATCH_BYTES = 1024 * 1024
const BATCH_RECORDS = 2_000
/** A broker that takes longer for a transaction is taken for absent; more for large ones. */
const TRANSACTION_MS = 5_000
const MORE_MS_PER_MIB = 2_000
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000

/**
 * One writer for everything a process publishes. Each transaction also commits the number of its last record, so that
 * after a failure or a restart the broker itself says what it has, and nothing is written twice.
 */
export function createSender(parts: SenderParts): Sender {
  const { outbox, log } = parts
  const waiting = fifo<Job>()
  const stop = new AbortController()
  let last = outbox.last
  let away = outbox.size() > 0
  /** So many of the oldest go one by one: the broker refuses one of them. */
  let single = 0
  let closed = false
  let wake = () => {}

  async function write(entries: readonly Numbered[]): Promise<void> {
    const records = entries.map(({ record }) => record)
    // Once it has taken too long the records go another way: this one must not write them any more.
    let over = false
    const check = () => {
      if (over) throw failure('BUS_UNAVAILABLE', { reason: 'it took too long' })
    }
    const work = async () => {
      await parts.prepare()
      check()
      const ends = await parts.transactor.run(async (tx) => {
        check()
        await tx.publish(records)
        await tx.commitOffsets(parts.mark(entries.at(-1)!.number))
        check()
      })
      parts.written(ends)
    }
    try {
      const mebibytes = records.reduce((sum, record) => sum + sizeOf(record), 0) / 1024 ** 2
      await within(TRANSACTION_MS + mebibytes * MORE_MS_PER_MIB, work())
    } catch (error) {
      over = true
      // Also one that still waits for an answer: the next to open ends it, and knows how it ended.
      await parts.transactor.close()
      throw error
    }
  }

  /** The jobs of one transaction. */
  function takeJobs(): Job[] {
    const jobs: Job[] = []
    let bytes = 0
    let records = 0
    for (let job = waiting.peek(); job; job = waiting.peek()) {
      const fits = bytes + job.bytes <= BATCH_BYTES && records + job.entries.length <= BATCH_RECORDS
      if (jobs.length > 0 && !fits) break
      jobs.push(job)
      waiting.shift()
      bytes += job.bytes
      records += job.entries.length
    }
    return jobs
  }

  async function send(jobs: readonly Job[]): Promise<void> {
    try {
      await write(jobs.flatMap(({ entries }) => entries))
      for (const job of jobs) job.resolve()
    } catch (error) {
      if (away) spill(jobs)
      else if (!isRefused(error)) {
        log.warn({ err: error }, 'Kafka: the broker does not take records; they go to disk')
        spill(jobs)
      } else if (jobs.length === 1) jobs[0]!.reject(error)
      else for (const job of jobs) await send([job])
    }
  }

  /** Everything that waits goes to disk, in order, before anything that is published from now on. */
  function spill(jobs: readonly Job[]): void {
    away = true
    const all = [...jobs]
    for (let job = waiting.shift(); job; job = waiting.shift()) all.push(job)
    for (const job of all) keep(job.entries).then(job.resolve, job.reject)
  }

  async function keep(entries: readonly Numbered[]): Promise<void> {
    await outbox.append(entries)
    meter()
  }

  const meter = () => parts.metrics?.kafkaOutbox.set(outbox.size())

  /** Sends what lies on disk. Rejects while the broker is away. */
  async function drain(): Promise<void> {
    await within(TRANSACTION_MS, parts.transactor.open())
    await outbox.drop(await within(TRANSACTION_MS, parts.position()))
    while (outbox.size() > 0) {
      const entries = fitting(await outbox.peek(single > 0 ? 1 : BATCH_RECORDS))
      if (entries.length === 0) break
      await writeStored(entries)
      meter()
    }
    meter()
    if (outbox.size() > 0) return
    away = false
    log.info('Kafka: the outbox is empty, the broker takes records again')
  }

  async function writeStored(entries: readonly Numbered[]): Promise<void> {
    try {
      await write(entries)
      single = Math.max(0, single - entries.length)
      await outbox.drop(entries.at(-1)!.number)
    } catch (error) {
      if (!isRefused(error)) throw error
      if (entries.length > 1) single = entries.length
      else await lose(entries[0]!, error)
    }
  }

  async function lose({ number, record }: Numbered, error: unknown): Promise<void> {
    parts.metrics?.kafkaOutboxLost.inc({ reason: 'refused' })
    log.error({ err: error, topic: record.topic, key: record.key }, 'Kafka: a record that no broker takes is left out')
    await outbox.drop(number)
  }

  async function run(): Promise<void> {
    let wait = FIRST_WAIT_MS
    for (;;) {
      if (away) {
        const drained = await drain().then(
          () => true,
          (error) => log.debug({ err: error }, 'Kafka: the broker is still away'),
        )
        wait = drained ? FIRST_WAIT_MS : Math.min(wait * 2, LONGEST_WAIT_MS)
        if (!drained && stop.signal.aborted) return
        if (!drained) await sleep(wait, undefined, { signal: stop.signal }).catch(() => {})
      } else if (waiting.size() > 0) await send(takeJobs())
      else if (stop.signal.aborted) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  const running = run()

  return {
    publish(records) {
      if (records.length === 0) return Promise.resolve()
      if (closed) return Promise.reject(failure('BUS_UNAVAILABLE', { reason: 'it is closed' }))
      const entries = records.map((record) => ({ number: ++last, record }))
      if (away) return keep(entries)
      const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0)
      const done = new Promise<void>((resolve, reject) => waiting.push({ entries, bytes, resolve, reject }))
      wake()
      return done
    },
    away: () => away,
    async close() {
      stop.abort()
      wake()
      await running
      closed = true
      await outbox.close()
      await parts.transactor.close()
    },
  }
}

/** As many of the first entries as one transaction takes, and one at least. */
function fitting(entries: readonly Numbered[]): readonly Numbered[] {
  let bytes = 0
  const end = entries.findIndex(({ record }, index) => {
    bytes += sizeOf(record)
    return index > 0 && bytes > BATCH_BYTES
  })
  return end < 0 ? entries : entries.slice(0, end)
}

const isRefused = (error: unknown): boolean => isFailure(error) && error.code === 'BUS_REFUSED'

async function within<R>(ms: number, work: Promise<R>): Promise<R> {
  const done = new AbortController()
  const late = sleep(ms, undefined, { signal: done.signal, ref: false }).then(
    () => Promise.reject(new Error(`no answer within ${ms} ms`)),
    () => work,
  )
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}
