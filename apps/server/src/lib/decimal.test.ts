import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exactText, parseExact, plainText, survivesDouble } from './decimal.ts'

const decimal = (wholeDigits: number, places: number) =>
  fc
    .tuple(
      fc.bigInt({ min: 0n, max: 10n ** BigInt(wholeDigits) - 1n }),
      fc.bigInt({ min: 0n, max: 10n ** BigInt(places) - 1n }),
    )
    .map(([whole, fraction]) => `${whole}.${fraction.toString().padStart(places, '0')}`)

const stripped = (text: string): string => text.replace(/\.?0+$/, '') || '0'

test('a sum of the exchange with any digits up to eight decimals comes back as it was', () => {
  fc.assert(
    fc.property(decimal(18, 8), (text) => {
      const { value, rest } = parseExact(text)
      assert.equal(exactText(value, rest), stripped(text))
      assert.equal(value, Number(text), 'the value is the nearest double')
    }),
    { numRuns: 5000 },
  )
})

test('up to fifteen digits there is no rest', () => {
  fc.assert(
    fc.property(decimal(7, 8), (text) => {
      const { value, rest } = parseExact(text)
      assert.deepEqual([rest, plainText(value), survivesDouble(text)], [0, stripped(text), true])
    }),
    { numRuns: 5000 },
  )
})

test('what the double leaves out', () => {
  const { value, rest } = parseExact('1005391012.13387515')
  assert.equal(value, 1005391012.1338751)
  assert.notEqual(rest, 0)
  assert.equal(exactText(value, rest), '1005391012.13387515')
  assert.deepEqual(parseExact('0.1'), { value: 0.1, rest: 0 }, 'the shortest text says it')
  assert.deepEqual(parseExact('21345.67800000'), { value: 21345.678, rest: 0 })
  assert.deepEqual(parseExact('9007199254740993'), { value: 9007199254740992, rest: 1 })
  assert.equal(exactText(9007199254740992, 1), '9007199254740993')
  assert.deepEqual(parseExact('29766419364020448'), { value: 29766419364020448, rest: 0 })
  assert.equal(exactText(29766419364020448, 0), '29766419364020448', 'String would say …450')
  assert.equal(survivesDouble('1005391012.13387515'), false)
})

test('plain notation, whatever the size', () => {
  assert.equal(plainText(1e-8), '0.00000001')
  assert.equal(plainText(1.5e-7), '0.00000015')
  assert.equal(plainText(-1.5e-7), '-0.00000015')
  assert.equal(plainText(1e21), '1000000000000000000000')
  assert.equal(plainText(2 ** 74), '18889465931478580854784')
  assert.equal(plainText(-0), '0')
  assert.equal(exactText(-1.5, -0.000000001), '-1.5')
  assert.equal(exactText(0, 1e-9), '0')
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => Number(plainText(n)) === n))
})

test('what is no plain decimal is NaN', () => {
  for (const text of ['', '.', '1.', '.5', '1e5', 'NaN', ' 1', '1 ', '0x10', '+1', '--1', '1.2.3']) {
    assert.ok(Number.isNaN(parseExact(text).value), text)
  }
  assert.equal(survivesDouble('nonsense-that-is-long'), false)
})
