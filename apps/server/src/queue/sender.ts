import { setTimeout as sleep } from 'node:timers/promises'
import type { Spool, Spooled } from './spool.ts'

export interface Sender {
  /** There is something to send, or someone to take it. */
  wake(): void
  /** Stops when the line is empty, after `patienceMs` at the latest. */
  close(patienceMs: number): Promise<void>
  /** Resolves when nothing is under way any more. */
  readonly ended: Promise<void>
}

interface Settings {
  readonly spool: Spool
  readonly line: string
  /** Resolves when the other side has the message for good. */
  readonly send: (message: Spooled) => Promise<void>
  readonly sent: (count: number) => void
  readonly failed: (error: unknown) => void
  /** Longest pause after a failure, ms. */
  readonly retryMs: number
}

/** Messages under way at once. */
const BATCH = 200
const FIRST_RETRY_MS = 50

/**
 * Sends a line of the spool, in order. After a failure it goes on from the first message that was not confirmed: a later
 * one may then arrive twice, but never before an earlier one has arrived.
 */
export function createSender({ spool, line, send, sent, failed, retryMs }: Settings): Sender {
  const stop = new AbortController()
  let closing = false
  let woken = Promise.withResolvers<void>()
  let pause = FIRST_RETRY_MS

  async function sendBatch(batch: readonly Spooled[]): Promise<void> {
    const outcomes = await Promise.allSettled(batch.map(send))
    const wrong = outcomes.findIndex(({ status }) => status === 'rejected')
    const confirmed = wrong < 0 ? batch : batch.slice(0, wrong)
    spool.remove(
      line,
      confirmed.map(({ sequence }) => sequence),
    )
    sent(confirmed.length)
    const outcome = outcomes[wrong]
    if (outcome?.status !== 'rejected') pause = FIRST_RETRY_MS
    else throw outcome.reason
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        const batch = spool.first(line, BATCH)
        if (batch.length > 0) await sendBatch(batch)
        else if (closing) return
        else await woken.promise
        woken = Promise.withResolvers()
      } catch (error) {
        failed(error)
        await sleep(pause, undefined, { signal: stop.signal }).catch(() => {})
        pause = Math.min(pause * 2, retryMs)
      }
    }
  }

  const ended = run()
  return {
    wake: () => woken.resolve(),
    async close(patienceMs) {
      closing = true
      woken.resolve()
      const timer = setTimeout(() => stop.abort(), patienceMs)
      await Promise.race([ended, new Promise((resolve) => stop.signal.addEventListener('abort', resolve))])
      clearTimeout(timer)
      stop.abort()
    },
    ended,
  }
}
