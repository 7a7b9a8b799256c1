import type { Coverage, Interval } from './coverage.ts'
import { union } from './intervals.ts'

/** Where at least one of the intervals is `complete` or `quiet`: ascending, neighbours joined. */
export const knownIntervals = (coverage: readonly Coverage[]): Interval[] =>
  union(coverage.filter(({ state }) => state !== 'unknown'))

/** Whether one of the joined intervals holds all of `[from, to)`. */
export const covers = (known: readonly Interval[], from: number, to: number): boolean =>
  known.some((interval) => interval.from <= from && to <= interval.to)
