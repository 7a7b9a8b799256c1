const cache = new Map<string, Intl.NumberFormat>()

/** English digits and separators everywhere: a price must not change its shape with the reader's language. */
function numbers(digits: number, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const key = `${digits}${JSON.stringify(options)}`
  const known = cache.get(key)
  if (known) return known
  const made = new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    ...options,
  })
  cache.set(key, made)
  return made
}

/** Decimals of the shortest text of a number, at most 10. */
export function decimalsOf(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const decimals = (mantissa.split('.')[1]?.length ?? 0) - Number(exponent)
  return Math.min(10, Math.max(0, decimals))
}

/** Decimals that show each of these prices whole: at least 2 for what costs 1 or more. */
export function priceDecimals(prices: readonly number[]): number {
  const most = prices.reduce((digits, price) => Math.max(digits, decimalsOf(price)), 0)
  const largest = prices.reduce((high, price) => Math.max(high, Math.abs(price)), 0)
  return largest >= 1 ? Math.max(2, most) : Math.max(4, most)
}

export const formatPrice = (value: number, decimals: number): string => numbers(decimals).format(value)

/** `1.23K`, `45.6M`: three or four figures that say how much. */
export const formatAmount = (value: number): string =>
  Math.abs(value) >= 1000
    ? numbers(0, { notation: 'compact', minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value)
    : numbers(0, { maximumSignificantDigits: 5 }).format(value)

/** How to write amounts that stand below each other: one count of decimals for all, short words for very large ones. */
export function amountColumn(amounts: readonly number[]): (amount: number) => string {
  if (amounts.some((amount) => amount >= 100_000)) return formatAmount
  const decimals = amounts.reduce((digits, amount) => Math.max(digits, Math.min(6, decimalsOf(amount))), 0)
  return (amount) => numbers(decimals).format(amount)
}

/** `+2.30 %`, with a real minus sign. */
export const formatPercent = (value: number): string =>
  `${value > 0 ? '+' : value < 0 ? '−' : ''}${numbers(2).format(Math.abs(value))} %`

const two = (value: number): string => String(value).padStart(2, '0')

/** Clock time, `14:03:27`, UTC as everywhere on the page: candles open by it. */
export function formatClock(ms: number): string {
  const date = new Date(ms)
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
}

/** `3 s`, `4 min`, `2 h`: how long something has lasted. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`
}

/** `2025-01-20 14:03`, with seconds when asked for. */
export function formatMoment(ms: number, seconds: boolean): string {
  const text = new Date(ms).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, seconds ? 19 : 16)}`
}
