import type { Reason } from '../domain/difference.ts'
import type { Metrics } from '../lib/metrics.ts'

/** `absent`: the exchange has a candle where we have none. `no_candle`: it has none where we held nothing to have traded. */
export type Outcome = 'equal' | Reason | 'absent' | 'no_candle'

export interface ReconcileStatus {
  /** Candles by what the comparison with the exchange's own found. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly repaired: number
  /** Candles that differ and are still looked into. */
  readonly pending: number
}

/** Counts outcomes and repairs, for metrics and for the status. */
export function createTally(exchange: string, metrics: Metrics) {
  const outcomes: Partial<Record<Outcome, number>> = {}
  let repaired = 0
  return {
    count(outcome: Outcome, timeframe: string, by = 1): void {
      if (by === 0) return
      outcomes[outcome] = (outcomes[outcome] ?? 0) + by
      metrics.reconciled.inc({ exchange, timeframe, outcome }, by)
    },
    repaired(timeframe: string, source: string): void {
      repaired++
      metrics.repaired.inc({ exchange, timeframe, source })
    },
    read: (): Omit<ReconcileStatus, 'pending'> => ({ outcomes: { ...outcomes }, repaired }),
  }
}
