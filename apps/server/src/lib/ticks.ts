import { setTimeout as sleep } from 'node:timers/promises'

/** Calls `work` again and again with pauses of `ms` in between, until the signal aborts. Rejects as `work` does. */
export async function everyTick(ms: number, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(ms, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    await work()
  }
}
