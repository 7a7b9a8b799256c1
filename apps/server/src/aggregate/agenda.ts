import type { Interval } from '../domain/coverage.ts'
import { type MarketId, marketKey } from '../domain/market.ts'

/** Late trades, and what they cover, reach the store a little after they were heard of. */
const LOOKS = 4
const LONGEST_WAIT_MS = 10_000

/** A market that began anew, or had trades that no live candle could take in. */
export interface Errand {
  readonly market: MarketId
  /** Stored candles of this stretch are to be made anew. */
  readonly stretch: Interval | undefined
  /** When to look next, on the clock of the caller, ms. */
  at: number
  wait: number
  /** How often the stretch is still to be looked at. */
  looks: number
}

/** Which markets to look after, and when: soon after they began, then ever more rarely. */
export function createAgenda(firstWaitMs: number) {
  const errands = new Map<string, Errand>()
  return {
    begin({ exchange, symbol }: MarketId, stretch: Interval | undefined, now: number): void {
      const market = { exchange, symbol }
      const key = marketKey(market)
      const known = errands.get(key)
      errands.set(key, {
        market,
        stretch: joined(known?.stretch, stretch),
        // One that is begun again and again must not wait for ever.
        at: Math.min(now + firstWaitMs, known?.at ?? Number.POSITIVE_INFINITY),
        wait: firstWaitMs,
        looks: stretch ? LOOKS : (known?.looks ?? 0),
      })
    },
    due: (now: number): Errand[] => [...errands.values()].filter(({ at }) => at <= now),
    /** The errand was run. `reached`: all of its stretch was there to be looked at; `open`: something still waits for history. */
    done(errand: Errand, reached: boolean, open: boolean, now: number): void {
      if (reached || errand.wait >= LONGEST_WAIT_MS) errand.looks = Math.max(0, errand.looks - 1)
      errand.wait = Math.min(errand.wait * 2, LONGEST_WAIT_MS)
      errand.at = now + errand.wait
      const key = marketKey(errand.market)
      if (!open && errand.looks === 0 && errands.get(key) === errand) errands.delete(key)
    },
  }
}

const joined = (one: Interval | undefined, other: Interval | undefined): Interval | undefined =>
  one && other ? { from: Math.min(one.from, other.from), to: Math.max(one.to, other.to) } : (one ?? other)
