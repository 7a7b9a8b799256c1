import { DAY } from '../../domain/timeframe.ts'

/** Why a record was not taken: `bad` ones are faults of the file, `skipped` ones belong to something else. */
export interface Rejected {
  readonly reject: 'bad' | 'skipped'
  readonly reason: string
}

export const bad = (reason: string): Rejected => ({ reject: 'bad', reason })
export const skipped = (reason: string): Rejected => ({ reject: 'skipped', reason })
export const isRejected = (value: object): value is Rejected => 'reject' in value

/**
 * Reads a time: ISO text (UTC when it names no zone), or a number whose digits tell its unit (s, ms, µs, ns), or, in a
 * file named for a day, ms since its midnight. Returns whole ms, rounded down; undefined when it is no time.
 */
export function timeOf(text: string, day?: number): number | undefined {
  if (!/^\d+(\.\d+)?$/.test(text)) return isoTime(text)
  const point = text.indexOf('.')
  const digits = point < 0 ? text.length : point
  if (digits === 13) return Math.floor(Number(text))
  if (digits === 16) return Math.floor(Number(text) / 1_000)
  if (digits === 19) return Number(text.slice(0, 13))
  if (digits === 10) return Math.floor(Number(text) * 1_000 + 1e-6)
  const inDay = Number(text)
  return day !== undefined && inDay < DAY ? day + Math.floor(inDay) : undefined
}

function isoTime(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(text) && text.length > 10
  const time = Date.parse(zoned || text.length === 10 ? text.replace(' ', 'T') : `${text.replace(' ', 'T')}Z`)
  return Number.isNaN(time) ? undefined : Math.floor(time)
}

/** At most 15 significant digits: the double nearest to the text prints as the text again. */
const SHORT = 16
const DECIMAL = /^\d+(\.\d+)?$/

/** A price or quantity as the double that prints as its text; undefined for text that is none or has too many digits. */
export function plainNumber(text: string): number | undefined {
  if (!DECIMAL.test(text)) return scientific(text)
  if (text.length > SHORT && significant(text) > 15) return undefined
  return Number(text)
}

const significant = (text: string): number => {
  const digits = (text.includes('.') ? text.replace(/0+$/, '') : text).replace('.', '').replace(/^0+/, '')
  return digits.length
}

/** `1.5e-7`, as some JSON writers put it. */
function scientific(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)[eE][+-]?\d{1,2}$/.exec(text)
  return match && significant(match[1]!) <= 15 ? Number(text) : undefined
}

/** Decimal text without an exponent: `1.5e-7` is `0.00000015`. Other text is handed back as it is. */
export function withoutExponent(text: string): string {
  const match = /^(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,2})$/.exec(text)
  if (!match) return text
  const [, whole = '', part = '', power = '0'] = match
  const point = whole.length + Number(power)
  const digits = (whole + part).padEnd(point, '0')
  return point > 0 ? `${digits.slice(0, point)}.${digits.slice(point)}0` : `0.${'0'.repeat(-point)}${digits}`
}

/** `true`, `True`, `1`; `false`, `False`, `0`. */
export function truth(text: string | undefined): boolean | undefined {
  if (text === 'true' || text === 'True' || text === '1' || text === 'TRUE') return true
  if (text === 'false' || text === 'False' || text === '0' || text === 'FALSE') return false
  return undefined
}
