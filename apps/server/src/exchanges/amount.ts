import { survivesDouble } from '../lib/decimal.ts'

/** The double nearest to a decimal text of the wire. Throws a plain Error when it isn't finite. */
export function nearest(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new Error('a number is too large')
  return value
}

/** The same, where the double's shortest text must be the exchange's own text. Throws a plain Error. */
export function exact(text: string): number {
  const value = nearest(text)
  if (!survivesDouble(text)) throw new Error('a number has more digits than a double holds')
  return value
}

/** The same, above zero. */
export function positive(text: string): number {
  const value = exact(text)
  if (value <= 0) throw new Error('a price or quantity is not above zero')
  return value
}

/** Times of 16 digits are µs; the ms they lie in. */
export const toMs = (time: number): number => (time > 1e14 ? Math.floor(time / 1000) : time)
