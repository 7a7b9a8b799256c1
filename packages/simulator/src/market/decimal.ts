/** How many digits Binance prints after the point, always. */
const places = 8

/**
 * An integer of `10^-decimals` units as the exchange's text: eight digits after the point.
 * `text(9125010, 2)` is `91250.10000000`.
 */
export const text = (units: number | bigint, decimals: number): string => {
  const negative = units < 0
  const digits = String(negative ? -units : units).padStart(decimals + 1, '0')
  const point = digits.length - decimals
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point).padEnd(places, '0')}`
}

/** Digits after the point of a plain decimal text, trailing zeros not counted. */
export const decimalsOf = (decimal: string): number => {
  const point = decimal.indexOf('.')
  return point < 0 ? 0 : decimal.slice(point + 1).replace(/0+$/, '').length
}

/** A plain decimal text as an integer of `10^-decimals` units. The text must not have more digits than that. */
export const units = (decimal: string, decimals: number): bigint => {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, '0'))
}

const limit = 2 ** 53
const powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8]

/**
 * Price times quantity, truncated to eight decimals, in units of 10^-8: what Binance prints as `quoteQty`.
 * Throws a RangeError when the value is past 2^53 of these units (90 million in quote currency).
 */
export const quoteOf = (ticks: number, tickDecimals: number, lots: number, lotDecimals: number): number => {
  const scale = tickDecimals + lotDecimals - places
  const product = ticks * lots * (scale < 0 ? (powers[-scale] ?? Number.POSITIVE_INFINITY) : 1)
  if (scale <= 0 && product < limit) return product
  const exact = BigInt(ticks) * BigInt(lots)
  const quote = Number(scale <= 0 ? exact * 10n ** BigInt(-scale) : exact / 10n ** BigInt(scale))
  if (quote >= limit) throw new RangeError(`a trade worth ${quote / 1e8} is too large to hold exactly`)
  return quote
}
