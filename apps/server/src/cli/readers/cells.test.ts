import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { plainNumber, timeOf, withoutExponent } from './cells.ts'

test('times of every unit and form are whole ms, rounded down', () => {
  const time = 1_723_161_255_343
  const texts = ['1723161255343', '1723161255343999', '1723161255343999999', '1723161255.343', '1723161255.3439']
  for (const text of [...texts, '2024-08-08T23:54:15.343Z', '2024-08-08 23:54:15.343', '2024-08-09 01:54:15.343+02:00'])
    assert.equal(timeOf(text), time, text)
  assert.equal(timeOf('2024-08-08'), Date.UTC(2024, 7, 8))
  assert.equal(timeOf('60000', Date.UTC(2016, 9, 7)), Date.UTC(2016, 9, 7, 0, 1))
  for (const text of ['', 'noon', '60000', '-1', '17231612553430', '2024-13-40']) assert.equal(timeOf(text), undefined)
})

test('a number is taken when its double prints as its text', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999_999_999_999_999 }),
      fc.integer({ min: 0, max: 15 }),
      (digits, decimals) => {
        const text = String(digits).padStart(decimals + 1, '0')
        const decimal = decimals ? `${text.slice(0, -decimals)}.${text.slice(-decimals)}` : text
        assert.equal(plainNumber(`${decimal}${decimals ? '000000' : ''}`), Number(decimal))
      },
    ),
  )
  for (const text of ['0.1234567890123456', '-1', '1,5', '', 'NaN', '1e999', '0x10'])
    assert.equal(plainNumber(text), undefined)
})

test('exponents are written out', () => {
  for (const [text, plain] of [
    ['1.5e-7', 1.5e-7],
    ['1E3', 1000],
    ['12.345e1', 123.45],
    ['1.25', 1.25],
  ] as const) {
    assert.ok(!/e/i.test(withoutExponent(text)))
    assert.equal(Number(withoutExponent(text)), plain)
  }
})
