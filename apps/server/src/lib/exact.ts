import { exactText, parseExact, plainText } from './decimal.ts'

/**
 * Exact sums of decimal amounts. An amount has at most 8 decimals, so it is a whole number of units of 1e-8.
 * A sum of units is kept as two doubles, hi + lo, whose exact sum it is (up to 2^106 units); up to 2^53 `lo` is 0.
 * They lie side by side in a Float64Array, `hi` at the given index and `lo` after it, so that a sum costs no object.
 */
const PER_ONE = 1e8
const PER_ONE_BIG = 100_000_000n
/** Integers up to here are exact doubles. */
const INTEGERS = 2 ** 53
/** Below it the rounding errors of `amount * 1e8` stay under half a unit, so that rounding gives the true units. */
const SURE_UNITS = 2 ** 51
/** Below it neighbouring doubles lie less than one unit apart: each has one decimal, and that is its shortest text. */
const SURE_VALUE = 2 ** 26 * PER_ONE
/** Of `price * quantity * 1e8` when both factors are doubles nearest to decimals: four roundings, with room. */
const PRODUCT_ERROR = 1e-15

/** Adds an amount, in ones. Exact for at most 8 decimals. */
export function addAmount(sums: Float64Array, at: number, amount: number): void {
  const units = Math.round(amount * PER_ONE)
  if (units < SURE_UNITS) addUnits(sums, at, units, 0)
  else addBig(sums, at, unitsOf(plainText(amount)))
}

/**
 * Adds price × quantity cut off (not rounded) after 8 decimals, as Binance reckons the quote amount of each trade;
 * the quote volume of its candles is the sum of these. Both factors may have any number of decimals.
 */
export function addProduct(sums: Float64Array, at: number, price: number, quantity: number): void {
  const units = price * quantity * PER_ONE
  if (units >= SURE_UNITS) {
    addBig(sums, at, bigProduct(price, quantity))
    return
  }
  const nearest = Math.round(units)
  const sure = Math.abs(units - nearest) > units * PRODUCT_ERROR
  addUnits(sums, at, sure ? Math.floor(units) : cutProduct(price, quantity, nearest), 0)
}

/** Adds another sum. */
export function addUnits(sums: Float64Array, at: number, hi: number, lo: number): void {
  const sum = sums[at]! + hi
  if (sum <= INTEGERS && lo === 0 && sums[at + 1] === 0) sums[at] = sum
  else addWide(sums, at, hi, lo)
}

/** Knuth's error-free sum, then a normalisation, so that `hi` is the double nearest to the whole. */
function addWide(sums: Float64Array, at: number, hi: number, lo: number): void {
  const a = sums[at]!
  const sum = a + hi
  const part = sum - a
  const error = a - (sum - part) + (hi - part) + (sums[at + 1]! + lo)
  sums[at] = sum + error
  sums[at + 1] = error - (sums[at]! - sum)
}

function addBig(sums: Float64Array, at: number, units: bigint): void {
  const hi = Number(units)
  addWide(sums, at, hi, Number(units - BigInt(hi)))
}

/** Puts an amount given as the double nearest to it and the rest (`lib/decimal.ts`) in place of a sum. */
export function setUnits(sums: Float64Array, at: number, value: number, rest: number): void {
  const units = Math.round(value * PER_ONE)
  const sure = rest === 0 && units < SURE_UNITS
  sums[at] = sure ? units : 0
  sums[at + 1] = 0
  if (!sure) addBig(sums, at, unitsOf(exactText(value, rest)))
}

/** The double nearest to a sum, in ones. */
export function nearestValue(hi: number, lo: number): number {
  return lo === 0 && hi < SURE_VALUE ? hi / PER_ONE : parseExact(text(hi, lo)).value
}

/** What `nearestValue` leaves out of a sum, in ones, as `exactText` wants it: 0 whenever its shortest text is the sum. */
export function restOf(hi: number, lo: number): number {
  return lo === 0 && hi < SURE_VALUE ? 0 : parseExact(text(hi, lo)).rest
}

/** Units of the product when it lies within rounding errors of `nearest`: that, or one less. */
function cutProduct(price: number, quantity: number, nearest: number): number {
  const p = Math.round(price * PER_ONE)
  const q = Math.round(quantity * PER_ONE)
  const eightDecimals = p < SURE_UNITS && q < SURE_UNITS && p / PER_ONE === price && q / PER_ONE === quantity
  if (!eightDecimals) return Number(bigProduct(price, quantity))
  const product = p * q
  const limit = nearest * PER_ONE
  const below = product - limit + (productError(p, q, product) - productError(nearest, PER_ONE, limit)) < 0
  return below ? nearest - 1 : nearest
}

/** Dekker's: what the double `product` of two integers leaves out of their exact product. */
function productError(a: number, b: number, product: number): number {
  const aHigh = high(a)
  const bHigh = high(b)
  const aLow = a - aHigh
  const bLow = b - bHigh
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
}

/** The upper half of a double's digits. */
function high(a: number): number {
  const shifted = a * 134_217_729
  return shifted - (shifted - a)
}

function bigProduct(price: number, quantity: number): bigint {
  const p = decimal(plainText(price))
  const q = decimal(plainText(quantity))
  return scaled(p.digits * q.digits, p.decimals + q.decimals)
}

function unitsOf(plain: string): bigint {
  const { digits, decimals } = decimal(plain)
  return scaled(digits, decimals)
}

const scaled = (digits: bigint, decimals: number): bigint => (digits * PER_ONE_BIG) / 10n ** BigInt(decimals)

/** A plain decimal text as digits / 10^decimals. */
function decimal(plain: string): { digits: bigint; decimals: number } {
  const [whole = '0', fraction = ''] = plain.split('.')
  return { digits: BigInt(whole + fraction), decimals: fraction.length }
}

/** A sum as a decimal text, in ones. */
function text(hi: number, lo: number): string {
  const digits = (BigInt(hi) + BigInt(lo)).toString().padStart(9, '0')
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`
}
