import type { Candle } from '../domain/candle.ts'
import { exactText, plainText } from '../lib/decimal.ts'
import type { KlineRow } from './readers/klines.ts'

/** One figure of one candle on which we and the reference differ, as exact decimal text. */
export interface Difference {
  /** Open time, ms. */
  readonly time: number
  readonly field: string
  readonly ours: string
  readonly theirs: string
  /** Ours − theirs; empty for a row that only one side has. */
  readonly difference: string
}

/**
 * Compares a candle of ours with the reference's, exactly, in every figure that the reference carries and we count.
 * `relative`: how far the volumes may lie apart, as a share of the reference's.
 */
export function compareCandles(ours: Candle, { candle: theirs, has }: KlineRow, relative: number): Difference[] {
  const found: Difference[] = []
  const note = (field: string, a: string, b: string, by: number): void => {
    found.push({ time: theirs.time, field, ours: a, theirs: b, difference: plainText(Number(by.toPrecision(6))) })
  }
  for (const field of ['open', 'high', 'low', 'close'] as const) {
    if (ours[field] !== theirs[field])
      note(field, plainText(ours[field]), plainText(theirs[field]), ours[field] - theirs[field])
  }
  const amounts = [
    ['volume', ours.volume, ours.volumeRest, theirs.volume, theirs.volumeRest],
    ['quote_volume', ours.quoteVolume, ours.quoteVolumeRest, theirs.quoteVolume, theirs.quoteVolumeRest],
  ] as const
  for (const [field, value, rest, reference, referenceRest] of amounts) {
    if (field === 'quote_volume' && (!has.quoteVolume || !counted(value, ours))) continue
    const [a, b] = [exactText(value, rest), exactText(reference, referenceRest)]
    const apart = value - reference + (rest - referenceRest)
    if (a !== b && !(Math.abs(apart) <= relative * reference)) note(field, a, b, apart)
  }
  if (has.trades && counted(ours.trades, ours) && ours.trades !== theirs.trades)
    note('trades', String(ours.trades), String(theirs.trades), ours.trades - theirs.trades)
  return found
}

/** A candle that traded but has no quote volume or count comes from a source that does not tell them. */
const counted = (figure: number, { volume }: Candle): boolean => figure > 0 || volume === 0
