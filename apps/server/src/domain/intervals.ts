import type { Interval } from './coverage.ts'

/** An interval about which something is known. */
export interface Stated<S> extends Interval {
  readonly state: S
}

const byFrom = (a: Interval, b: Interval): number => a.from - b.from
const isFull = (interval: Interval): boolean => interval.from < interval.to

/** The parts within `range`, other properties kept. */
export function clip<T extends Interval>(intervals: readonly T[], range: Interval): T[] {
  return intervals
    .map((part) =>
      part.from >= range.from && part.to <= range.to
        ? part
        : { ...part, from: Math.max(part.from, range.from), to: Math.min(part.to, range.to) },
    )
    .filter(isFull)
}

/** What lies in any of the intervals: ascending, without overlap, touching ones joined. Empty intervals vanish. */
export function union(intervals: readonly Interval[]): Interval[] {
  const joined: Interval[] = []
  for (const { from, to } of intervals.filter(isFull).sort(byFrom)) {
    const last = joined.at(-1)
    if (last && from <= last.to) joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, to) }
    else joined.push({ from, to })
  }
  return joined
}

/** What is left of `intervals` outside `holes`, other properties kept. Neither needs to be in order. */
export function subtract<T extends Interval>(intervals: readonly T[], holes: readonly Interval[]): T[] {
  const cuts = union(holes)
  const left: T[] = []
  let first = 0
  for (const part of intervals.filter(isFull).sort(byFrom)) {
    while (first < cuts.length && cuts[first]!.to <= part.from) first++
    let from = part.from
    for (let i = first; i < cuts.length && cuts[i]!.from < part.to; i++) {
      const cut = cuts[i]!
      if (cut.from > from) left.push({ ...part, from, to: cut.from })
      from = Math.max(from, cut.to)
    }
    if (from < part.to) left.push(from === part.from ? part : { ...part, from })
  }
  return left
}

/** The parts of `range` that no interval of `covered` reaches, ascending. */
export const missing = (range: Interval, covered: readonly Interval[]): Interval[] =>
  subtract([{ from: range.from, to: range.to }], covered)

/**
 * Lays `later` over `known`: where they overlap the later one wins, and among `later` the one further back in the list.
 * `known` holds no overlaps. Ascending; neighbours of one state are joined.
 */
export function overlay<S>(known: readonly Stated<S>[], later: readonly Stated<S>[]): Stated<S>[] {
  let result = [...known]
  for (const layer of layers(later.filter(isFull))) result = [...subtract(result, layer), ...layer]
  return joinEqual(result.sort(byFrom))
}

/** Cuts a list into stretches that ascend without overlap, so that a long one is laid over in a single pass. */
function layers<S>(intervals: readonly Stated<S>[]): Stated<S>[][] {
  const cut: Stated<S>[][] = []
  for (const interval of intervals) {
    const last = cut.at(-1)
    if (last && last.at(-1)!.to <= interval.from) last.push(interval)
    else cut.push([interval])
  }
  return cut
}

function joinEqual<S>(ascending: readonly Stated<S>[]): Stated<S>[] {
  const joined: Stated<S>[] = []
  for (const part of ascending) {
    const last = joined.at(-1)
    if (last && last.to === part.from && last.state === part.state) joined[joined.length - 1] = { ...last, to: part.to }
    else joined.push(part)
  }
  return joined
}
