import type { Candle } from '../../domain/candle.ts'
import { exactText, plainText } from '../../lib/decimal.ts'
import { isoTime, numberText } from '../text.ts'

/** How prices and volumes are printed. */
export type Numbers = 'number' | 'string'

/** One candle as REST prints it. */
export function rowText(candle: Candle, numbers: Numbers): string {
  const { time, open, high, low, close, volume, volumeRest } = candle
  if (numbers === 'number') {
    return (
      `{"time":"${isoTime(time)}","open":${open},"high":${high},"low":${low},"close":${close},` +
      `"volume":${numberText(volume, volumeRest)}}`
    )
  }
  const price = (value: number) => `"${plainText(value)}"`
  return (
    `{"time":"${isoTime(time)}","open":${price(open)},"high":${price(high)},"low":${price(low)},` +
    `"close":${price(close)},"volume":"${exactText(volume, volumeRest)}"}`
  )
}
