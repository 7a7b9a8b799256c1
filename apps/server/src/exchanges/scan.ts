import { powersOfTen } from '../lib/decimal.ts'

/**
 * Steps over the bytes of a JSON frame, a field each. Each takes the position of its first byte and checks every byte
 * that it passes. On success `cursor.end` is the position behind it; on failure (-1, NaN, undefined) the frame is to
 * be given up. These run for every trade of every market: few calls, comparisons written out, no objects.
 */
export interface Cursor {
  end: number
}

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN = 0x7b
export const CLOSE = 0x7d
const BACKSLASH = 0x5c
const POINT = 0x2e
const ZERO = 0x30
const MAX_WORD = 9
/** Below 10^15 a decimal of at most 22 places divides once, exactly rounded, and its double says the same text. */
const SAFE_DIGITS = 15

/** `,"x":` with the name's one letter. */
const isField = (b: Uint8Array, i: number, letter: number): boolean =>
  b[i] === COMMA && b[i + 1] === QUOTE && b[i + 2] === letter && b[i + 3] === QUOTE && b[i + 4] === COLON

/** Printable ASCII that needs no escape; small letters, the most frequent, first. False behind the end of the frame. */
const isPlain = (byte: number): boolean => (byte > BACKSLASH ? byte < 0x7f : byte < BACKSLASH && byte >= 0x20)

/** At most nine digits, so that the arithmetic stays in whole 32-bit numbers. */
function digits(b: Uint8Array, from: number, to: number, cursor: Cursor): number {
  let value = 0
  let i = from
  for (; i < to; i++) {
    const digit = b[i]! - ZERO
    if (digit >>> 0 > 9) break
    value = (Math.imul(value, 10) + digit) | 0
  }
  cursor.end = i
  return value
}

/** `,"x":123`: a JSON integer from 0 to 2^53 − 1, or -1. */
export function integerField(b: Uint8Array, from: number, letter: number, cursor: Cursor): number {
  if (!isField(b, from, letter)) return -1
  const i = from + 5
  const high = digits(b, i, i + 8, cursor)
  const first = cursor.end - i
  if (first === 0 || (b[i] === ZERO && first > 1)) return -1
  if (first < 8) return high
  const low = digits(b, i + 8, i + 17, cursor)
  const places = cursor.end - i - 8
  const value = high * powersOfTen[places]! + low
  return places > 8 || value > Number.MAX_SAFE_INTEGER ? -1 : value
}

/**
 * `,"x":"1.23"`: a decimal without sign or exponent as the nearest double; NaN when it has more digits than a double
 * surely holds.
 */
export function decimalField(b: Uint8Array, from: number, letter: number, cursor: Cursor): number {
  if (!isField(b, from, letter) || b[from + 5] !== QUOTE) return Number.NaN
  const i = from + 6
  const whole = digits(b, i, i + MAX_WORD, cursor)
  const point = cursor.end
  if (point === i) return Number.NaN
  if (b[point] === QUOTE) {
    cursor.end = point + 1
    return whole
  }
  if (b[point] !== POINT) return Number.NaN
  const fraction = digits(b, point + 1, point + 1 + MAX_WORD, cursor)
  const end = cursor.end
  const places = end - point - 1
  if (places === 0 || b[end] !== QUOTE) return Number.NaN
  cursor.end = end + 1
  if (fraction === 0) return whole
  if (end - i > SAFE_DIGITS + 1) return Number.NaN
  const scale = powersOfTen[places]!
  return (whole * scale + fraction) / scale
}

/** Passes the inside of an ASCII string without escapes. */
export function plainString(b: Uint8Array, from: number, cursor: Cursor): boolean {
  let i = from
  for (; b[i] !== QUOTE; i++) {
    if (!isPlain(b[i]!)) return false
  }
  cursor.end = i
  return true
}

/** `,"x":true`: 1, 0 or -1 for neither. */
export function truthField(b: Uint8Array, from: number, letter: number, cursor: Cursor): number {
  if (!isField(b, from, letter)) return -1
  const i = from + 5
  if (b[i] === 0x74 && b[i + 1] === 0x72 && b[i + 2] === 0x75 && b[i + 3] === 0x65) {
    cursor.end = i + 4
    return 1
  }
  if (b[i] === 0x66 && b[i + 1] === 0x61 && b[i + 2] === 0x6c && b[i + 3] === 0x73 && b[i + 4] === 0x65) {
    cursor.end = i + 5
    return 0
  }
  return -1
}

const SLOTS = 8192
const MAX_SYMBOL = 64

/**
 * Turns the bytes of a symbol into its string without making a new one each time. Each symbol has one slot, by its
 * hash; another one that needs the slot takes it over, so the table can't grow.
 */
export function createSymbolTable() {
  const slots: string[] = Array.from({ length: SLOTS }, () => '')
  /** `,"x":"BTCUSDT"`; `undefined` for an empty or very long one, and for what is no plain ASCII string. */
  return function symbolField(b: Buffer, start: number, letter: number, cursor: Cursor): string | undefined {
    if (!isField(b, start, letter) || b[start + 5] !== QUOTE) return undefined
    const from = start + 6
    let hash = 0
    let i = from
    for (; b[i] !== QUOTE; i++) {
      const byte = b[i]!
      if (!isPlain(byte)) return undefined
      hash = (Math.imul(hash, 31) + byte) | 0
    }
    cursor.end = i + 1
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const known = slots[slot]!
    if (equal(known, b, from, i)) return known
    if (i === from || i - from > MAX_SYMBOL) return undefined
    const made = b.toString('latin1', from, i)
    slots[slot] = made
    return made
  }
}

function equal(text: string, b: Uint8Array, from: number, to: number): boolean {
  const { length } = text
  if (length === 0 || length !== to - from) return false
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== b[from + i]) return false
  return true
}
