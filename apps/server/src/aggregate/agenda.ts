import type { Interval } from '../domain/coverage.ts'
import { type MarketId, marketKey } from '../domain/market.ts'

/** Looks for candles that an earlier process left unmade: what its trades cover may reach the store a little later. */
const LOOKS = 4
const LONGEST_WAIT_MS = 10_000

/** A market that began anew, or had trades that no live candle could take in: its candles of `[from, to)` are looked after. */
export interface Errand extends Interval {
  readonly market: MarketId
  /** When to look next, on the clock of the caller, ms. */
  at: number
  wait: number
  looks: number
}

/** Which markets to look after, and when: soon after they began, then ever more rarely. */
export function createAgenda(firstWaitMs: number) {
  const errands = new Map<string, Errand>()
  return {
    begin({ exchange, symbol }: MarketId, { from, to }: Interval, now: number): void {
      const market = { exchange, symbol }
      const key = marketKey(market)
      const known = errands.get(key)
      errands.set(key, {
        market,
        from: Math.min(from, known?.from ?? from),
        to: Math.max(to, known?.to ?? to),
        // One that is begun again and again must not wait for ever.
        at: Math.min(now + firstWaitMs, known?.at ?? Number.POSITIVE_INFINITY),
        wait: firstWaitMs,
        looks: LOOKS,
      })
    },
    due: (now: number): Errand[] => [...errands.values()].filter(({ at }) => at <= now),
    /** The errand was run. `reached`: all of its stretch was there to be looked at; `open`: something still waits for history. */
    done(errand: Errand, reached: boolean, open: boolean, now: number): void {
      if (reached) errand.looks = Math.max(0, errand.looks - 1)
      errand.wait = Math.min(errand.wait * 2, LONGEST_WAIT_MS)
      errand.at = now + errand.wait
      const key = marketKey(errand.market)
      if (!open && errand.looks === 0 && errands.get(key) === errand) errands.delete(key)
    },
  }
}
