import type { Candle } from './candle.ts'

/**
 * What is known of an interval: something `traded`; the feed was healthy and nothing traded (`quiet`); nobody can say
 * (`unknown`). It is never stored: a candle tells the first two, the lack of a candle where coverage is none the third.
 */
export type Health = 'traded' | 'quiet' | 'unknown'

/** Of an interval that has a candle. An exchange's own flat candle is quiet just as ours is. */
export const healthOf = ({ volume }: Pick<Candle, 'volume'>): Exclude<Health, 'unknown'> =>
  volume > 0 ? 'traded' : 'quiet'
