import { setTimeout } from 'node:timers/promises'

/** Wait before attempt `failures + 1`, ms: doubles up to `maxMs`, of which the upper half is random, so that many don't come at once. */
export function backoff(failures: number, baseMs: number, maxMs: number, random: () => number = Math.random): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30))
  return full / 2 + (random() * full) / 2
}

/** Waits; resolves early, without an error, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
