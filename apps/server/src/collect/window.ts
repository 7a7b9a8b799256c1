import { pause } from './backoff.ts'

/** Lets at most `count` takers through in any `windowMs`; the others wait in line. */
export function createWindow(count: number, windowMs: number, now: () => number = Date.now) {
  const taken: number[] = []
  let line: Promise<void> = Promise.resolve()

  async function pass(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const oldest = taken[0]
      const wait = taken.length < count || oldest === undefined ? 0 : oldest + windowMs - now()
      if (wait <= 0) break
      await pause(wait, signal)
    }
    if (taken.length >= count) taken.shift()
    taken.push(now())
  }

  return {
    /** Resolves when it is the caller's turn, or at once when the signal aborts. */
    take(signal: AbortSignal): Promise<void> {
      line = line.then(() => pass(signal))
      return line
    },
  }
}
