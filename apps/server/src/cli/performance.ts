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
 * The quantile of a stage's latency, ms, read off the histogram's buckets: the upper bound of the bucket that holds it.
 */
export async function latencyMs(metrics: Metrics, stage: string, quantiles: readonly number[]): Promise<number[]> {
  const { values } = await metrics.latency.get()
  const buckets = values.filter(({ labels, metricName }) => labels.stage === stage && metricName?.endsWith('_bucket'))
  const total = Math.max(0, ...buckets.map(({ value }) => value))
  const finite = buckets.filter(({ labels }) => labels.le !== '+Inf')
  return quantiles.map((quantile) => {
    const hit = finite.find(({ value }) => total > 0 && value >= quantile * total)
    return Number(hit?.labels.le ?? (total > 0 ? finite.at(-1)?.labels.le : 0)) * 1000
  })
}
