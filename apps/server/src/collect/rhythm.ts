/** Trades closer together than this belong to one burst: bursts say nothing about how long a silence lasts. */
const BURST_MS = 100
/** Half an octave each, from `BURST_MS` up to more than an hour. */
const BUCKETS = 32
const STEP = Math.SQRT2
/** What was seen this long ago counts for 1/e. */
const MEMORY_MS = 20 * 60_000
/** A silence is not suspicious that the market itself shows this often … */
const ONCE_IN_MS = 5 * 60_000
/** … or as more than this share of its pauses. */
const SHARE = 0.02
/** Headroom above the longest usual pause: the longest of the past is seldom the longest there can be. */
const HEADROOM = 1.5
/** Far below the largest double, far above the growth of a day. */
const RESCALE = 1e100

const edges = Array.from({ length: BUCKETS + 1 }, (_, index) => BURST_MS * STEP ** index)

/** What a market's pauses between trades are like. Times in ms of one clock. */
export interface Rhythm {
  /** A trade came. */
  seen(at: number): void
  /** The silence that is out of the ordinary for this market; `undefined` while too little was seen. */
  unusual(): number | undefined
  /** Trading stands still: the pause at hand is none of the market's own. */
  pause(): void
}

/**
 * Pauses between trades have heavy tails, so no mean or deviation is asked: a histogram of pauses, each weighing less as
 * it ages, gives the length that the market itself goes beyond at most once in five minutes and in one pause of fifty.
 */
export function createRhythm(): Rhythm {
  const weights = new Float64Array(BUCKETS)
  /** Newer pauses weigh more, instead of older ones less: nothing has to be aged. */
  let epoch = 0
  let watched = 0
  let total = 0
  let last: number | undefined
  let known: number | undefined

  function weightAt(at: number): number {
    const weight = Math.exp((at - epoch) / MEMORY_MS)
    if (weight < RESCALE) return weight
    for (let index = 0; index < BUCKETS; index++) weights[index]! /= weight
    watched /= weight
    total /= weight
    epoch = at
    return 1
  }

  function compute(weight: number): number | undefined {
    const allowed = Math.min(watched / ONCE_IN_MS, total * SHARE)
    let beyond = 0
    for (let index = BUCKETS - 1; index >= 0; index--) {
      beyond += weights[index]!
      // Not even the longest pause is allowed to be one when all that was seen amounts to a few pauses.
      if (beyond > Math.max(allowed, weight * 1e-6)) return edges[index + 1]! * HEADROOM
    }
    return undefined
  }

  return {
    seen(at) {
      if (last === undefined) {
        last = at
        epoch ||= at
        return
      }
      const pause = at - last
      if (pause < BURST_MS) return
      last = at
      const weight = weightAt(at)
      const index = Math.min(BUCKETS - 1, Math.floor(2 * Math.log2(pause / BURST_MS)))
      weights[index]! += weight
      watched += weight * pause
      total += weight
      known = compute(weight)
    },
    unusual: () => known,
    pause() {
      last = undefined
    },
  }
}
