import { setTimeout as sleep } from 'node:timers/promises'
import { failure, isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import { persevere } from '../lib/persevere.ts'

/** A lock that a database holds for as long as a connection of ours lasts. */
export interface HeldLock {
  /** Rejects when it is lost, or can't be known to be held. */
  check(): Promise<void>
  release(): Promise<void>
}

/** Takes the lock of one database; `undefined` when another process holds it. Rejects with `STORE_UNAVAILABLE`. */
export interface LockTaker {
  /** The database, fit to be shown. */
  readonly name: string
  take(): Promise<HeldLock | undefined>
}

export interface ServerLock {
  /** Keeps it until the signal aborts: a database that was away is locked again. Rejects when another server was faster. */
  run(signal: AbortSignal): Promise<void>
  release(): Promise<void>
}

/**
 * Keeps a second complete server away from a database: two would both write what only one of them knows to be whole.
 * Processes with a part of the roles do not take it, they share. A database that does not answer is waited for until the
 * signal aborts. Rejects with `STORE_UNAVAILABLE` when another server has it.
 */
export async function lockServer(
  { name, take }: LockTaker,
  log: Logger,
  signal: AbortSignal,
  everyMs = 10_000,
): Promise<ServerLock> {
  const taken = async (signal: AbortSignal): Promise<HeldLock> => {
    const lock = await persevere(take, 'locking the store', log, signal)
    if (lock) return lock
    const reason = `another server uses ${name}: stop it first, or give this one a database of its own`
    throw failure('STORE_UNAVAILABLE', { reason })
  }
  let held: HeldLock | undefined = await taken(signal)

  async function keep(signal: AbortSignal): Promise<void> {
    try {
      await held?.check()
    } catch (error) {
      log.warn({ reason: error instanceof Error ? error.message : String(error) }, `the lock of ${name} was lost`)
      await held?.release()
      held = undefined
      held = await taken(signal)
    }
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        await sleep(everyMs, undefined, { signal }).catch(() => {})
        if (signal.aborted) return
        await keep(signal).catch((error: unknown) => {
          if (!signal.aborted || !isFailure(error)) throw error
        })
      }
    },
    async release() {
      await held?.release()
      held = undefined
    },
  }
}
