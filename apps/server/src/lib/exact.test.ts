import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exactText } from './decimal.ts'
import { addAmount, addProduct, addUnits, nearestValue, restOf, setUnits } from './exact.ts'

const UNITS = 10n ** 8n

/** A decimal of at most 15 digits and 8 decimals, as an exchange writes it, with its exact units. */
const amount = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 15n - 1n }), fc.integer({ min: 0, max: 8 }))
  .map(([digits, decimals]) => ({ value: decimalOf(digits, decimals), units: digits * 10n ** BigInt(8 - decimals) }))

/** Any decimal of at most 15 digits: `digits / 10^decimals`. */
const decimal = (decimals: number, max = 10n ** 15n - 1n) =>
  fc.tuple(fc.bigInt({ min: 1n, max }), fc.integer({ min: 0, max: decimals }))

function decimalOf(digits: bigint, decimals: number): number {
  return Number(`${digits}e-${decimals}`)
}

/** Units as a decimal text without zeros at its end. */
const textOf = (units: bigint): string => {
  const digits = units.toString().padStart(9, '0')
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`.replace(/\.?0+$/, '')
}

const exact = (sums: Float64Array): bigint => BigInt(sums[0]!) + BigInt(sums[1]!)

test('a sum of amounts is the exact decimal sum, in any order', () => {
  fc.assert(
    fc.property(fc.array(amount, { maxLength: 60 }), (amounts) => {
      const forth = new Float64Array(2)
      const back = new Float64Array(2)
      for (const { value } of amounts) addAmount(forth, 0, value)
      for (const { value } of amounts.toReversed()) addAmount(back, 0, value)
      const sum = amounts.reduce((total, { units }) => total + units, 0n)
      assert.equal(exact(forth), sum)
      assert.equal(exact(back), sum)
      assert.equal(nearestValue(forth[0]!, forth[1]!), Number(`${sum}e-8`), 'read out as the nearest double')
    }),
    { numRuns: 300 },
  )
})

test('value and rest name the exact decimal and can be read in again', () => {
  const total = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 54n }), fc.bigInt({ min: 2n ** 50n, max: 10n ** 23n }))
  fc.assert(
    fc.property(total, (units) => {
      const hi = Number(units)
      const lo = Number(units - BigInt(hi))
      const value = nearestValue(hi, lo)
      const rest = restOf(hi, lo)
      assert.equal(exactText(value, rest), textOf(units))
      const sums = new Float64Array(2)
      setUnits(sums, 0, value, rest)
      assert.equal(exact(sums), units)
      if (units < 2n ** 52n) assert.equal(rest, 0)
    }),
    { numRuns: 1000 },
  )
})

test('a quote amount is the exact product cut off after 8 decimals', () => {
  const factor = fc.oneof(decimal(12), decimal(8, 10n ** 9n), decimal(3, 10n ** 6n))
  fc.assert(
    fc.property(factor, factor, ([p, a], [q, b]) => {
      fc.pre(p * q < 10n ** BigInt(22 + a + b))
      const sums = new Float64Array(2)
      addProduct(sums, 0, decimalOf(p, a), decimalOf(q, b))
      assert.equal(exact(sums), (p * q * UNITS) / 10n ** BigInt(a + b))
    }),
    { numRuns: 3000 },
  )
})

test('products a hair below and exactly at a unit are told apart', () => {
  const cases: [string, string, bigint][] = [
    ['0.99999999', '0.99999999', 99_999_998n],
    ['123456.99999999', '1.00000001', 12_345_700_123_455n],
    ['61837.63', '0.02', 123_675_260_000n],
    ['0.0643620', '0.0158', 101_691n],
    ['0.1', '0.3', 3_000_000n],
    ['1500000000', '0.12345678', 18_518_517_000_000_000n],
    ['0.0000098765', '1234567', 1_219_320_097n],
  ]
  for (const [price, quantity, units] of cases) {
    const sums = new Float64Array(2)
    addProduct(sums, 0, Number(price), Number(quantity))
    assert.equal(exact(sums), units, `${price} × ${quantity}`)
  }
})

test('sums of sums are exact beyond 2^53 units', () => {
  const part = fc.bigInt({ min: 0n, max: 10n ** 24n })
  fc.assert(
    fc.property(fc.array(part, { maxLength: 50 }), (parts) => {
      const sums = new Float64Array(2)
      for (const units of parts) addUnits(sums, 0, Number(units), Number(units - BigInt(Number(units))))
      assert.equal(
        exact(sums),
        parts.reduce((total, units) => total + units, 0n),
      )
    }),
    { numRuns: 300 },
  )
})
