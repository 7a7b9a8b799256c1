import type { Route } from './route.ts'

const KEPT_ERRORS = 50
const KEPT_LATENCIES = 1_024
const RATE_SECONDS = 60

export interface RouteFigures {
  readonly topic: string
  readonly channel: string
  readonly count: number
  /** Our clock, ms. */
  readonly lastAt: number
}

/** What a dispatcher has done since its start. */
export function createFigures(now: () => number) {
  const totals = { consumed: 0, routed: 0, persisted: 0, failed: 0, duplicates: 0 }
  const routes = new Map<string, { topic: string; channel: string; count: number; lastAt: number }>()
  const errors: { at: number; message: string }[] = []
  const latencies: number[] = []
  const perSecond = new Map<number, number>()
  const started = now()
  let batches = 0

  function rate(): number {
    const second = Math.floor(now() / 1000)
    const seconds = Math.max(1, Math.min(RATE_SECONDS, (now() - started) / 1000))
    let sum = 0
    for (const [at, count] of perSecond) {
      if (at <= second - RATE_SECONDS) perSecond.delete(at)
      else sum += count
    }
    return Math.round((sum / seconds) * 100) / 100
  }

  return {
    consumed(records: number): void {
      totals.consumed += records
      batches++
      const second = Math.floor(now() / 1000)
      perSecond.set(second, (perSecond.get(second) ?? 0) + records)
      if (perSecond.size > RATE_SECONDS) rate()
    },
    routed({ topic, channel }: Route): void {
      totals.routed++
      const known = routes.get(topic) ?? { topic, channel, count: 0, lastAt: 0 }
      known.count++
      known.lastAt = now()
      routes.set(topic, known)
    },
    duplicate(): void {
      totals.duplicates++
    },
    persisted(rows: number): void {
      totals.persisted += rows
    },
    failed(records: number, message: string): void {
      totals.failed += records
      errors.push({ at: now(), message })
      if (errors.length > KEPT_ERRORS) errors.shift()
    },
    /** ms from receipt to publication of a batch. */
    took(ms: number): void {
      latencies.push(ms)
      if (latencies.length > KEPT_LATENCIES) latencies.shift()
    },
    read: () => ({
      ...totals,
      startedAt: started,
      perSecond: rate(),
      batchSize: batches === 0 ? 0 : Math.round(totals.consumed / batches),
      routes: [...routes.values()] as readonly RouteFigures[],
      errors: [...errors],
      latencyMs: quantiles(latencies, [0.5, 0.95, 0.99]),
    }),
  }
}

export type Figures = ReturnType<typeof createFigures>

function quantiles(values: readonly number[], parts: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  return parts.map((part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
}
