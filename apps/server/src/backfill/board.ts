import { randomUUID } from 'node:crypto'
import type { Interval } from '../domain/coverage.ts'
import type { Logger } from '../lib/log.ts'
import type { Job, Store } from '../store/store.ts'
import { type JobDeps, type Progress, runJob } from './jobs.ts'
import type { Plan } from './plan.ts'
import { createQueue, type Priority } from './queue.ts'

const KEPT_JOBS = 500

interface Deps extends Omit<JobDeps, 'progress'> {
  readonly store: Store
  readonly log: Logger
  readonly concurrency: number
  readonly progress?: ((progress: Progress) => void) | undefined
}

const isOpen = ({ state }: Job): boolean => state === 'queued' || state === 'running'

/** The jobs of one exchange: queued, run a few at a time, awaited, cancelled, and taken up again after a restart. */
export function createBoard(deps: Deps) {
  const { exchange, store, log, now } = deps
  const jobs = new Map<string, Job>()
  const cancels = new Map<string, AbortController>()
  const waiters = new Map<string, PromiseWithResolvers<void>>()
  const ended = { done: 0, failed: 0, cancelled: 0 }
  const queue = createQueue(deps.concurrency, work)
  const open = () => [...jobs.values()].filter(isOpen)

  function progress(at: Progress): void {
    jobs.set(at.job.id, at.job)
    deps.progress?.(at)
  }
  function finish(job: Job): void {
    jobs.set(job.id, job)
    if (job.state === 'done' || job.state === 'failed' || job.state === 'cancelled') ended[job.state] += 1
    waiters.get(job.id)?.resolve()
    waiters.delete(job.id)
    const over = [...jobs.values()].filter((one) => !isOpen(one))
    for (const old of over.slice(0, Math.max(0, over.length - KEPT_JOBS))) jobs.delete(old.id)
  }

  async function work(id: string, signal: AbortSignal): Promise<void> {
    const job = jobs.get(id)
    if (!job || !isOpen(job)) return
    const cancel = new AbortController()
    cancels.set(id, cancel)
    const result = await runJob({ ...deps, progress }, job, AbortSignal.any([signal, cancel.signal]))
    cancels.delete(id)
    if (cancel.signal.aborted) await record({ ...result, state: 'cancelled' })
    else if (!isOpen(result)) finish(result)
  }
  async function record(job: Job): Promise<void> {
    const changed = { ...job, updatedAt: now() }
    await store
      .putJob(changed)
      .catch((error: unknown) => log.warn({ job: job.id, err: error }, 'a job was not recorded'))
    finish(changed)
  }

  async function settled(id: string, signal: AbortSignal): Promise<Job | undefined> {
    const job = jobs.get(id)
    if (!job || !isOpen(job) || signal.aborted) return job ?? store.job(id)
    const waiter = waiters.get(id) ?? Promise.withResolvers<void>()
    waiters.set(id, waiter)
    const aborted = Promise.withResolvers<void>()
    const stop = () => aborted.resolve()
    signal.addEventListener('abort', stop, { once: true })
    await Promise.race([waiter.promise, aborted.promise])
    signal.removeEventListener('abort', stop)
    return jobs.get(id)
  }

  return {
    open,
    ended: (): Readonly<typeof ended> => ended,
    /** Records a job for what the plan found missing and queues it; a job under way that does the same is returned instead. */
    async add(symbol: string, asked: Interval, plan: Plan, priority: Priority = 'normal'): Promise<Job> {
      const first = plan.missing[0]
      const range = first ? { from: first.from, to: plan.missing.at(-1)!.to } : asked
      const same = open().find(
        (job) =>
          job.symbol === symbol && job.timeframe === plan.timeframe && job.cursor <= range.from && job.to >= range.to,
      )
      if (first && same) return same
      const at = now()
      const job: Job = {
        id: randomUUID(),
        exchange: exchange.id,
        symbol,
        timeframe: plan.timeframe,
        from: range.from,
        to: range.to,
        state: first ? 'queued' : 'done',
        cursor: first ? range.from : range.to,
        requestsPlanned: plan.requests,
        requestsDone: 0,
        candlesWritten: 0,
        errors: [],
        createdAt: at,
        updatedAt: at,
      }
      await store.putJob(job)
      jobs.set(job.id, job)
      if (first) queue.add(job.id, priority)
      else finish(job)
      return job
    },
    /** Takes up what an earlier run left unfinished. */
    async resume(): Promise<void> {
      const left = await Promise.all([store.jobs({ state: 'running' }), store.jobs({ state: 'queued' })])
      for (const job of left.flat()) {
        if (job.exchange !== exchange.id || jobs.has(job.id)) continue
        log.info({ job: job.id, symbol: job.symbol, cursor: job.cursor }, 'an unfinished backfill goes on')
        jobs.set(job.id, job)
        queue.add(job.id, 'normal')
      }
    },
    /** Resolves with the job once it is over, or as it is when the signal aborts. */
    settled,
    async cancel(id: string): Promise<Job | undefined> {
      const job = jobs.get(id)
      if (!job || !isOpen(job)) return job ?? store.job(id)
      const running = cancels.get(id)
      running?.abort()
      if (!running) await record({ ...job, state: 'cancelled' })
      return settled(id, new AbortController().signal)
    },
    run: queue.run,
  }
}
