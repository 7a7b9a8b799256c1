import { setTimeout as pause } from 'node:timers/promises'

const EVERY_MS = 50

/** Asks again and again until the answer is truthy, and returns it. Rejects with what was waited for after `withinMs`. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = 60_000,
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer as Exclude<T, false | 0 | '' | null | undefined>
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for ${what}`)
    await pause(EVERY_MS)
  }
}
