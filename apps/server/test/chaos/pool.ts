import { fork } from 'node:child_process'
import { join } from 'node:path'
import { noLosses } from './check.ts'
import type { Outcome } from './run.ts'
import type { Kind } from './scenario.ts'

/** One run to be done. */
export interface Job {
  readonly kind: Kind
  readonly seed: number
  readonly symbols: number
  readonly log: string
}

/** A run that says nothing for so long in the real world has hung. */
const HUNG_MS = 600_000

/** Does the runs in `parallel` processes, each with a clock of its own; tells each outcome as it comes. */
export async function runAll(jobs: readonly Job[], parallel: number, tell: (outcome: Outcome) => void): Promise<void> {
  const queue = jobs.values()
  await Promise.all(Array.from({ length: Math.min(parallel, jobs.length) }, () => lane(queue, tell)))
}

async function lane(queue: Iterator<Job> & Iterable<Job>, tell: (outcome: Outcome) => void): Promise<void> {
  let worker = startWorker()
  for (const job of queue) {
    const outcome = await worker.run(job)
    tell(outcome)
    if (!Number.isNaN(outcome.healMs)) continue
    worker.kill()
    worker = startWorker()
  }
  worker.kill()
}

function startWorker() {
  const child = fork(join(import.meta.dirname, 'worker.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  return {
    kill: () => void child.kill('SIGKILL'),
    run(job: Job): Promise<Outcome> {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      const fail = (reason: string) =>
        resolve({ ...job, healMs: Number.NaN, trades: 0, losses: { ...noLosses(), coverage: 1, notes: [reason] } })
      const timer = setTimeout(() => fail('the run hung'), HUNG_MS)
      const ended = (code: number | null) => fail(`the process ended with ${code}`)
      const done = (outcome: Outcome) => resolve(outcome)
      child.once('message', done)
      child.once('exit', ended)
      child.send(job)
      return promise.finally(() => {
        clearTimeout(timer)
        child.off('message', done)
        child.off('exit', ended)
      })
    },
  }
}
