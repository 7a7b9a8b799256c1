import type { Candle } from '../../domain/candle.ts'

/** A candle and the time from which it says so, ms. */
export interface Known {
  readonly candle: Candle
  readonly knownAt: number
}
/** What a candle said until it was replaced. */
export interface Superseded extends Known {
  readonly key: number
  readonly until: number
}
export interface Folded {
  /** What each key says in the end, where that is something else than before, ascending by key. */
  readonly changed: readonly (Known & { readonly key: number })[]
  readonly superseded: readonly Superseded[]
  /** Keys that were not there before. */
  readonly added: readonly number[]
}

const FIGURES = [
  'open',
  'high',
  'low',
  'close',
  'volume',
  'volumeRest',
  'quoteVolume',
  'quoteVolumeRest',
  'trades',
  'revision',
  'source',
] as const

/**
 * Lays candles over those that are stored, in their order: a higher or equal revision replaces where something differs,
 * and the time at which it became known grows even where the clock does not.
 */
export function foldCandles(
  existing: ReadonlyMap<number, Known>,
  incoming: Iterable<{ readonly key: number; readonly candle: Candle }>,
  now: number,
): Folded {
  const latest = new Map<number, Known>()
  const superseded: Superseded[] = []
  for (const { key, candle } of incoming) {
    const before = latest.get(key) ?? existing.get(key)
    if (before && !replaces(candle, before.candle)) continue
    const knownAt = before ? Math.max(now, before.knownAt + 1) : now
    if (before) superseded.push({ key, ...before, until: knownAt })
    latest.set(key, { candle, knownAt })
  }
  const changed = [...latest].map(([key, known]) => ({ key, ...known })).sort((a, b) => a.key - b.key)
  const added = changed.flatMap(({ key }) => (existing.has(key) ? [] : [key]))
  return { changed, superseded, added }
}

const replaces = (candle: Candle, before: Candle): boolean =>
  candle.revision >= before.revision && FIGURES.some((figure) => candle[figure] !== before[figure])
