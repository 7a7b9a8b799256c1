import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Memory at an hour of the run, in MB. */
export interface Sample {
  readonly hour: number
  readonly heap: number
  readonly external: number
  readonly rss: number
}

const MB = 1024 * 1024

setFlagsFromString('--expose-gc')
const gc: unknown = runInNewContext('gc')

/** Leaves only what is reachable on the heap. */
export function collectGarbage(): void {
  if (typeof gc === 'function') gc()
}

export function sampleMemory(hour: number): Sample {
  const { heapUsed, external, rss } = process.memoryUsage()
  return { hour, heap: heapUsed / MB, external: external / MB, rss: rss / MB }
}

/** The least-squares slope of a figure by hour, times 24: MB a day. NaN for fewer than two samples. */
export function slopeADay(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const mean = (value: (sample: Sample) => number) => samples.reduce((sum, one) => sum + value(one), 0) / samples.length
  const [hour, level] = [mean((one) => one.hour), mean(of)]
  const covariance = samples.reduce((sum, one) => sum + (one.hour - hour) * (of(one) - level), 0)
  const variance = samples.reduce((sum, one) => sum + (one.hour - hour) ** 2, 0)
  return (covariance / variance) * 24
}
