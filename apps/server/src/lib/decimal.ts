/** Powers of ten that a double holds exactly. */
const EXACT_POWERS = 22
const SAFE_DIGITS = 15
/** Decimals of an exchange's sums; what a remainder is printed to. */
const REST_DECIMALS = 8

/**
 * Splits a decimal text into the nearest double and what that double leaves out (itself the nearest double).
 * `rest` is 0 when the shortest text of the double says the same number. NaN where the text is no plain decimal.
 */
export function parseExact(text: string): { value: number; rest: number } {
  const plain = normalized(text)
  if (plain === undefined) return { value: Number.NaN, rest: 0 }
  const value = Number(plain)
  if (plain.length <= SAFE_DIGITS || !Number.isFinite(value) || plainText(value) === plain) return { value, rest: 0 }
  return { value, rest: difference(plain, value) }
}

/**
 * Plain decimal text of `value + rest`: no exponent, no trailing zeros. With a rest, the exact sum to 8 decimals
 * (halves away from zero); without, the shortest text of the double.
 */
export function exactText(value: number, rest: number): string {
  if (rest === 0 || !Number.isFinite(value) || !Number.isFinite(rest)) return plainText(value)
  const a = parts(value)
  const b = parts(rest)
  const exponent = Math.min(a.exponent, b.exponent, 0)
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent))
  const scaled = divideRounded(sum * 10n ** BigInt(REST_DECIMALS), 1n << BigInt(-exponent))
  return withPoint(scaled, REST_DECIMALS)
}

/**
 * Shortest decimal text that reads back as the same double, without an exponent. From 2^53 on all digits of the double,
 * because shortest digits filled up with zeros would be another number.
 */
export function plainText(value: number): string {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER && Number.isFinite(value)) return BigInt(value).toString()
  const [digits = '', exponent] = String(value).split('e')
  if (exponent === undefined) return digits
  const [whole = '', fraction = ''] = digits.split('.')
  const negative = whole.startsWith('-')
  return `${negative ? '-' : ''}0.${(negative ? whole.slice(1) : whole).padStart(-Number(exponent), '0')}${fraction}`
}

/** Whether the text of a decimal is also the shortest text of its double, apart from zeros at its ends. */
export const survivesDouble = (text: string): boolean => {
  if (text.length <= SAFE_DIGITS) return true
  const plain = normalized(text)
  return plain !== undefined && plainText(Number(plain)) === plain
}

/** Without leading and trailing zeros; `undefined` for anything but a plain decimal. */
function normalized(text: string): string | undefined {
  const [, sign, whole, fraction = ''] = /^(-?)0*(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === undefined) return undefined
  let end = fraction.length
  while (end > 0 && fraction.charCodeAt(end - 1) === 48) end--
  const plain = end > 0 ? `${whole}.${fraction.slice(0, end)}` : whole
  return sign && plain !== '0' ? `-${plain}` : plain
}

/** `text - value`, as the nearest double. */
function difference(text: string, value: number): number {
  const point = text.indexOf('.')
  const decimals = point < 0 ? 0 : text.length - point - 1
  const { mantissa, exponent } = parts(value)
  const shift = BigInt(Math.max(0, -exponent))
  const scale = 10n ** BigInt(decimals)
  const exact = BigInt(text.replace('.', '')) << shift
  const held = (mantissa << BigInt(Math.max(0, exponent))) * scale
  const left = exact - held
  return left === 0n ? 0 : quotient(left, scale << shift)
}

/** A quotient as a double, right to its last bit or one beside it, however long its parts. */
function quotient(top: bigint, bottom: bigint): number {
  const negative = top < 0n
  const size = negative ? -top : top
  const shift = Math.max(0, bitLength(bottom) - bitLength(size) + 64)
  const ratio = Number((size << BigInt(shift)) / bottom) * 2 ** -shift
  return negative ? -ratio : ratio
}

const bitLength = (n: bigint): number => n.toString(2).length

const view = new DataView(new ArrayBuffer(8))

/** A finite double as `mantissa × 2 ** exponent`. */
function parts(value: number): { mantissa: bigint; exponent: number } {
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  const size = biased === 0 ? fraction : fraction | (1n << 52n)
  return { mantissa: bits >> 63n ? -size : size, exponent: (biased || 1) - 1075 }
}

function divideRounded(top: bigint, bottom: bigint): bigint {
  const half = bottom / 2n
  return top < 0n ? -((-top + half) / bottom) : (top + half) / bottom
}

function withPoint(scaled: bigint, decimals: number): string {
  const negative = scaled < 0n
  const digits = (negative ? -scaled : scaled).toString().padStart(decimals + 1, '0')
  const text = `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, '')
  return negative && text !== '0' ? `-${text}` : text
}

export const powersOfTen: readonly number[] = Array.from({ length: EXACT_POWERS + 1 }, (_, n) => Number(`1e${n}`))
