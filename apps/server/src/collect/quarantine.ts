import type { Metrics } from '../lib/metrics.ts'

const KEPT = 50
const KEPT_BYTES = 4_096

/** A frame that was set aside. `text` is its beginning. */
export interface SetAside {
  readonly time: number
  readonly reason: string
  readonly text: string
}

/** Counts what could not be used and keeps the last of it for diagnosis. `kind` is a label of few values. */
export function createQuarantine(exchange: string, metrics: Metrics) {
  const kept: SetAside[] = []
  return {
    add(kind: string, reason: string, frame: Buffer, time: number): void {
      metrics.quarantined.inc({ exchange, reason: kind })
      kept.push({ time, reason, text: frame.subarray(0, KEPT_BYTES).toString() })
      if (kept.length > KEPT) kept.shift()
    },
    recent: (): readonly SetAside[] => [...kept],
  }
}

export type Quarantine = ReturnType<typeof createQuarantine>
