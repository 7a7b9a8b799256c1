import type { Metrics } from '../lib/metrics.ts'

/** Counts sampled once a second; rates are taken over the last minute at most. */
const SAMPLES = 60

/** A rate over the last minute from a counter that only grows. Call `sample` once a second. */
export function createRate(read: () => number) {
  const samples: number[] = [read()]
  return {
    sample() {
      samples.push(read())
      if (samples.length > SAMPLES + 1) samples.shift()
    },
    perSecond: () => (samples.length < 2 ? 0 : (samples.at(-1)! - samples[0]!) / (samples.length - 1)),
  }
}

/**
 * Quantiles of a stage's latency, ms, read off the histogram's buckets: the upper bound of the bucket that holds each.
 */
export async function latencyMs(metrics: Metrics, stage: string, quantiles: readonly number[]): Promise<number[]> {
  const { values } = await metrics.latency.get()
  const buckets = values.flatMap(({ labels, metricName, value }) => {
    const upTo: unknown = 'le' in labels ? labels.le : undefined
    return labels.stage === stage && metricName?.endsWith('_bucket') ? [{ upTo: Number(upTo), count: value }] : []
  })
  const total = Math.max(0, ...buckets.map(({ count }) => count))
  const finite = buckets.filter(({ upTo }) => Number.isFinite(upTo))
  return quantiles.map((quantile) => {
    if (total === 0) return 0
    const hit = finite.find(({ count }) => count >= quantile * total) ?? finite.at(-1)
    return (hit?.upTo ?? 0) * 1000
  })
}
