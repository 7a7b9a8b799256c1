import { setInterval } from 'node:timers/promises'

/** Calls `work` every `ms` until the signal aborts; a call that takes longer delays the next. Rejects as `work` does. */
export async function everyTick(ms: number, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of setInterval(ms, undefined, { signal })) await work()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
