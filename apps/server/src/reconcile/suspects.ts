import { type Candle, seriesKey } from '../domain/candle.ts'

/** More wait than this only when something is wrong at large; the audit finds what is turned away. */
const MOST = 512

/** A candle of ours that differs from the exchange's, to be looked into. */
export interface Suspect {
  readonly theirs: Candle
  /** Ours as the bus had it, for as long as the store has none. */
  readonly ours: Candle
  /** Whether we have none at all. */
  readonly absent: boolean
  looks: number
  at: number
}

/** Candles that differ, each looked into after `waitMs`, then ever later. `now` is any clock that does not go back, ms. */
export function createSuspects(waitMs: number) {
  const suspects = new Map<string, Suspect>()
  const keyOf = (candle: Candle) => `${seriesKey(candle)}:${candle.time}`
  return {
    add(ours: Candle, theirs: Candle, now: number, absent = false): void {
      const key = keyOf(theirs)
      if (!suspects.has(key) && suspects.size < MOST)
        suspects.set(key, { ours, theirs, absent, looks: 0, at: now + waitMs })
    },
    has: (candle: Candle): boolean => suspects.has(keyOf(candle)),
    due(now: number): Suspect | undefined {
      for (const suspect of suspects.values()) if (suspect.at <= now) return suspect
      return undefined
    },
    later(suspect: Suspect, now: number): void {
      suspect.looks++
      suspect.at = now + waitMs * 2 ** suspect.looks
    },
    /** Tried in vain for reasons that have nothing to do with the candle. */
    postpone(suspect: Suspect, now: number): void {
      suspect.at = now + waitMs
    },
    clear: ({ theirs }: Suspect): void => void suspects.delete(keyOf(theirs)),
    size: (): number => suspects.size,
  }
}
