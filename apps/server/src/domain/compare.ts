import { exactText } from '../lib/decimal.ts'
import type { Candle } from './candle.ts'

export type Figure = 'open' | 'high' | 'low' | 'close' | 'volume' | 'quoteVolume' | 'trades'

const PRICES = ['open', 'high', 'low', 'close'] as const
/** Apart by less than this share, sums differ in their rounding only. */
const ROUNDING = 1e-12

/**
 * The figures in which two candles of one interval differ, by their exact decimal text. A quote volume or a count of
 * trades that one side does not tell is not compared.
 */
export function differing(a: Candle, b: Candle): Figure[] {
  const found: Figure[] = PRICES.filter((price) => a[price] !== b[price])
  if (exactText(a.volume, a.volumeRest) !== exactText(b.volume, b.volumeRest)) found.push('volume')
  const told = (figure: 'quoteVolume' | 'trades') => [a, b].every((one) => one[figure] > 0 || one.volume === 0)
  const quotes = [a, b].map(({ quoteVolume, quoteVolumeRest }) => exactText(quoteVolume, quoteVolumeRest))
  if (told('quoteVolume') && quotes[0] !== quotes[1]) found.push('quoteVolume')
  if (told('trades') && a.trades !== b.trades) found.push('trades')
  return found
}

/** Whether two candles say the same in other digits: only sums differ, and by no more than rounding does. */
export function onlyRounding(a: Candle, b: Candle, figures: readonly Figure[]): boolean {
  const apart = (x: number, y: number) => Math.abs(x - y) <= ROUNDING * Math.max(Math.abs(x), Math.abs(y))
  return figures.every((figure) => (figure === 'volume' || figure === 'quoteVolume') && apart(a[figure], b[figure]))
}
