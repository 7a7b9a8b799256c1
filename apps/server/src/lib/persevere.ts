import { setTimeout as sleep } from 'node:timers/promises'
import { isFailure } from './failure.ts'
import type { Logger } from './log.ts'

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000

/**
 * Does a piece of work, again and again with growing waits while it fails with a failure that a retry can help.
 * Rejects with any other error, and with the last failure once the signal aborts.
 */
export async function persevere<R>(work: () => Promise<R>, what: string, log: Logger, signal: AbortSignal): Promise<R> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await work()
    } catch (error) {
      if (!isFailure(error) || !error.retry || signal.aborted) throw error
      log.warn({ err: error, waitMs: wait }, `${what}: trying again`)
    }
    await sleep(wait, undefined, { signal }).catch(() => {})
  }
}
