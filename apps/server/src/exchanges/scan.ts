import { powersOfTen } from '../lib/decimal.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const POINT = 0x2e
const ZERO = 0x30
const CLOSE = 0x7d
/** Below 10^15 a decimal of at most 22 places divides once, exactly rounded, and its double says the same text. */
const SAFE_DIGITS = 15
const MAX_INTEGER_DIGITS = 16

/**
 * A cursor over the bytes of one JSON frame. Each step checks what it passes; a step that fails
 * (false, a negative number or NaN) leaves the cursor anywhere, so the frame is then given up.
 */
export function createTextScanner() {
  let bytes: Uint8Array = new Uint8Array(0)
  let at = 0
  const scanner = {
    start(frame: Uint8Array) {
      bytes = frame
      at = 0
      return scanner
    },
    position: () => at,
    /** Passes exactly these bytes; stands still when they are not there. */
    skip(expected: Uint8Array): boolean {
      const { length } = expected
      if (at + length > bytes.length) return false
      for (let i = 0; i < length; i++) if (bytes[at + i] !== expected[i]) return false
      at += length
      return true
    },
    /** Passes the inside of a plain ASCII string without escapes and stops before its closing quote. */
    skipString(): boolean {
      for (; at < bytes.length; at++) {
        const byte = bytes[at]!
        if (byte === QUOTE) return true
        if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return false
      }
      return false
    },
    /** A JSON integer from 0 to 2^53 − 1, or -1. */
    integer(): number {
      const from = at
      let value = 0
      for (; at < bytes.length; at++) {
        const digit = bytes[at]! - ZERO
        if (digit < 0 || digit > 9) break
        value = value * 10 + digit
      }
      const digits = at - from
      if (digits === 0 || digits > MAX_INTEGER_DIGITS || value > Number.MAX_SAFE_INTEGER) return -1
      return digits > 1 && bytes[from] === ZERO ? -1 : value
    },
    /** A decimal up to its closing quote, as the nearest double; NaN for anything else, or for more than 15 digits. */
    decimal(): number {
      const from = at
      let value = 0
      let point = -1
      for (; at < bytes.length; at++) {
        const byte = bytes[at]!
        const digit = byte - ZERO
        if (digit >= 0 && digit <= 9) value = value * 10 + digit
        else if (byte === POINT && point < 0) point = at
        else break
      }
      if (bytes[at] !== QUOTE || at === from || point === from || point === at - 1) return Number.NaN
      if (at - from > SAFE_DIGITS + 1) return longDecimal(from, point)
      return point < 0 ? value : value / powersOfTen[at - point - 1]!
    },
    boolean(): boolean | undefined {
      if (bytes[at] === 0x74 && bytes[at + 1] === 0x72 && bytes[at + 2] === 0x75 && bytes[at + 3] === 0x65) {
        at += 4
        return true
      }
      const word = bytes[at] === 0x66 && bytes[at + 1] === 0x61 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x73
      if (!word || bytes[at + 4] !== 0x65) return undefined
      at += 5
      return false
    },
    /** Whether exactly so many closing braces end the frame here. */
    end(braces: number): boolean {
      for (let i = 0; i < braces; i++) if (bytes[at + i] !== CLOSE) return false
      return at + braces === bytes.length
    },
  }

  /** Large quantities come with eight decimals that are all zero: without them they are short again. */
  function longDecimal(from: number, point: number): number {
    if (point < 0) return Number.NaN
    let end = at
    while (bytes[end - 1] === ZERO) end--
    if (end - from > SAFE_DIGITS + 1) return Number.NaN
    let value = 0
    for (let i = from; i < end; i++) if (i !== point) value = value * 10 + bytes[i]! - ZERO
    return value / powersOfTen[Math.max(0, end - point - 1)]!
  }
  return scanner
}

const SLOTS = 8192
const MAX_SYMBOL = 64

/**
 * Turns the bytes of a symbol into its string without making a new one each time. Each symbol has one slot, by its
 * hash; another one that needs the slot takes it over, so the table can't grow.
 */
export function createSymbolTable() {
  const slots: string[] = Array.from({ length: SLOTS }, () => '')
  return {
    /** `undefined` for an empty or very long one. The bytes must be ASCII. */
    intern(bytes: Buffer, from: number, to: number): string | undefined {
      const length = to - from
      if (length === 0 || length > MAX_SYMBOL) return undefined
      let hash = 0
      for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
      const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
      const known = slots[slot]!
      if (equal(known, bytes, from, length)) return known
      const made = bytes.toString('latin1', from, to)
      slots[slot] = made
      return made
    },
  }
}

function equal(text: string, bytes: Uint8Array, from: number, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false
  return true
}
