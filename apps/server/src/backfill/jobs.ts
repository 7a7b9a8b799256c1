import { setTimeout } from 'node:timers/promises'
import type { Interval } from '../domain/coverage.ts'
import { clip } from '../domain/intervals.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Job, Store } from '../store/store.ts'
import type { Fetched } from './fetch.ts'

const KEPT_ERRORS = 10
const ATTEMPTS = 3

/** How far a job is. */
export interface Progress {
  readonly job: Job
  /** 0 to 1, of the time that the job spans. */
  readonly done: number
}

export interface JobDeps {
  readonly exchange: Exchange
  readonly store: Store
  readonly log: Logger
  readonly now: () => number
  readonly progress: (progress: Progress) => void
  /** What of the job's range is not held. */
  readonly audit: (job: Job) => Promise<Interval[]>
  readonly fetch: (job: Job, interval: Interval, signal: AbortSignal) => AsyncIterable<Fetched>
  /** The gap-aware way failed: the whole rest of the range is fetched. */
  readonly fellBack: (active: boolean) => void
  /** How long to wait after so many failures, ms. */
  readonly retryMs: (failures: number) => number
}

/**
 * Runs one job to its end and keeps its state in the store, so that a restart goes on from the cursor.
 * Never rejects; an aborted job stays `running` in the store.
 */
export async function runJob(deps: JobDeps, start: Job, signal: AbortSignal): Promise<Job> {
  const { store, log, now } = deps
  let job = start

  async function update(change: Partial<Job>): Promise<void> {
    job = { ...job, ...change, updatedAt: now() }
    await store.putJob(job)
    const span = Math.max(1, job.to - job.from)
    deps.progress({ job, done: job.state === 'done' ? 1 : Math.min(1, (job.cursor - job.from) / span) })
  }
  async function fetchAll(intervals: readonly Interval[]): Promise<void> {
    for (const interval of clip(intervals, { from: job.cursor, to: job.to })) {
      for await (const { candles, cursor } of deps.fetch(job, interval, signal)) {
        await update({
          cursor,
          requestsDone: job.requestsDone + 1,
          candlesWritten: job.candlesWritten + candles,
        })
        signal.throwIfAborted()
      }
    }
  }
  async function gapAware(): Promise<void> {
    await update({ state: 'running' })
    await fetchAll(await deps.audit(job))
  }
  const noted = (error: unknown) => ({ errors: [...job.errors, String(error)].slice(-KEPT_ERRORS) })

  const final = (error: unknown) => signal.aborted || (isFailure(error) && !error.retry)

  /** Gaps first; when that way fails, the whole rest of the range. */
  async function attempt(): Promise<void> {
    try {
      await gapAware()
    } catch (error) {
      if (final(error)) throw error
      log.warn({ job: job.id, symbol: job.symbol, err: error }, 'filling the gaps failed; the whole range is fetched')
      job = { ...job, ...noted(error) }
      deps.fellBack(true)
      await fetchAll([{ from: job.cursor, to: job.to }]).finally(() => deps.fellBack(false))
    }
    await update({ state: 'done', cursor: job.to })
  }
  async function persist(): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        return await attempt()
      } catch (error) {
        if (final(error) || failures >= ATTEMPTS) throw error
        await setTimeout(deps.retryMs(failures), undefined, { signal })
      }
    }
  }

  try {
    await persist()
  } catch (error) {
    if (signal.aborted) return job
    log.error({ job: job.id, symbol: job.symbol, err: error }, 'a backfill job failed')
    job = { ...job, ...noted(error) }
    await update({ state: 'failed' }).catch((trouble: unknown) =>
      log.error({ job: job.id, err: trouble }, 'not recorded'),
    )
  }
  return job
}
