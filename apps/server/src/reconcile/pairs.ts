import { type Candle, seriesKey } from '../domain/candle.ts'

/** Candles of one series that are remembered: what comes later than that is left to the audit. */
const REMEMBERED = 16

/** The exchange's closed candle, and ours of the same time as the bus brought it. */
export interface Pair {
  readonly theirs: Candle
  readonly ours: Candle
}

interface Entry {
  ours?: Candle
  theirs?: Candle
  /** Since when nothing about it has changed; compared once that is long enough ago. */
  changed: number
}

/**
 * Brings our closed candles and the exchange's of the same time together. A pair is due once neither has changed for
 * `settleMs`; a later revision makes it due again. Pure: `now` is any clock that does not go back, ms.
 */
export function createPairs(settleMs: number) {
  const series = new Map<string, Map<number, Entry>>()
  const waiting = new Set<Entry>()

  function entryOf(candle: Candle): Entry {
    const key = seriesKey(candle)
    const entries = series.get(key) ?? new Map<number, Entry>()
    series.set(key, entries)
    const entry = entries.get(candle.time) ?? { changed: 0 }
    entries.set(candle.time, entry)
    if (entries.size > REMEMBERED) {
      const oldest = Math.min(...entries.keys())
      const gone = entries.get(oldest)
      if (gone) waiting.delete(gone)
      entries.delete(oldest)
    }
    return entry
  }

  function note(side: 'ours' | 'theirs', candle: Candle, now: number): void {
    const entry = entryOf(candle)
    entry[side] = candle
    entry.changed = now
    waiting.add(entry)
  }

  return {
    ours: (candle: Candle, now: number): void => note('ours', candle, now),
    theirs: (candle: Candle, now: number): void => note('theirs', candle, now),
    /** Ours to which no candle of the exchange has come for `patienceMs`, each told once. */
    alone(now: number, patienceMs: number): Candle[] {
      const found: Candle[] = []
      for (const entry of waiting) {
        if (entry.theirs || !entry.ours || now - entry.changed < patienceMs) continue
        waiting.delete(entry)
        found.push(entry.ours)
      }
      return found
    },
    due(now: number): Pair[] {
      const pairs: Pair[] = []
      for (const entry of waiting) {
        if (now - entry.changed < settleMs) continue
        if (!entry.ours || !entry.theirs) continue
        waiting.delete(entry)
        pairs.push({ ours: entry.ours, theirs: entry.theirs })
      }
      return pairs
    },
  }
}
