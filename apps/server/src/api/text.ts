import { exactText } from '../lib/decimal.ts'

/** ISO 8601 UTC; to the second where the milliseconds are zero. */
export function isoTime(ms: number): string {
  const text = new Date(ms).toISOString()
  return ms % 1000 === 0 ? `${text.slice(0, -5)}Z` : text
}

/** A sum as a JSON number with every digit it has: the double and what the double leaves out. */
export const numberText = (value: number, rest: number): string => (rest === 0 ? String(value) : exactText(value, rest))
