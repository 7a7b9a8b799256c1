import type { Metrics } from '../lib/metrics.ts'

const KEPT = 50
const KEPT_BYTES = 4_096

/** A frame that was set aside. `text` is its beginning. */
export interface SetAside {
  readonly time: number
  readonly reason: string
  readonly text: string
  /** The market it speaks of, where that could be told. */
  readonly symbol?: string
}

/** Where frames that were set aside are kept for longer. Never throws, never waits. */
export type QuarantineFile = (item: SetAside & { readonly exchange: string; readonly kind: string }) => void

/** Counts what could not be used and keeps the last of it for diagnosis. `kind` is a label of few values. */
export function createQuarantine(exchange: string, metrics: Metrics, file?: QuarantineFile) {
  const kept: SetAside[] = []
  return {
    add(kind: string, reason: string, frame: Buffer, time: number, symbol?: string): void {
      metrics.quarantined.inc({ exchange, reason: kind })
      const text = frame.subarray(0, KEPT_BYTES).toString()
      const item = { time, reason, text, ...(symbol !== undefined && { symbol }) }
      kept.push(item)
      if (kept.length > KEPT) kept.shift()
      file?.({ exchange, kind, ...item })
    },
    recent: (): readonly SetAside[] => [...kept],
  }
}

export type Quarantine = ReturnType<typeof createQuarantine>
