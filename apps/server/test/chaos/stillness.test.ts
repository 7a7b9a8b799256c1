import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TradeBody } from '@candlewire/simulator'
import type { Coverage, CoverageState } from '../../src/domain/coverage.ts'
import { coverageFaults, type Stillness } from './stillness.ts'

const SECOND = 1_000
const part = (from: number, to: number, state: CoverageState): Coverage => ({
  exchange: 'binance',
  symbol: 'BTCUSDT',
  series: 'trades',
  state,
  from: from * SECOND,
  to: to * SECOND,
})
const trade = (id: number, time: number): TradeBody => ({
  id,
  price: '1',
  qty: '1',
  quoteQty: '1',
  time: time * SECOND,
  isBuyerMaker: false,
  isBestMatch: true,
})
const span = { from: 0, to: 1_000 * SECOND }
/** The exchange stood still from 300 to 400. */
const halts = [{ from: 300 * SECOND, to: 400 * SECOND }]
const nothing: Stillness = { halts: [], hindered: [], trades: [] }
const faults = (coverage: Coverage[], stillness: Partial<Stillness> = {}) =>
  coverageFaults(coverage, span, { ...nothing, ...stillness })

describe('coverage beside what the exchange had to give', () => {
  const around = (from: number, to: number) => [
    part(0, from, 'complete'),
    part(from, to, 'unknown'),
    part(to, 1_000, 'complete'),
  ]

  test('all complete is right while the exchange is up, and wrong while it stands still for a minute', () => {
    const all = [part(0, 1_000, 'complete')]
    assert.deepEqual(faults(all), [])
    assert.deepEqual(faults(all, { halts: [{ from: 300_000, to: 340_000 }] }), [])
    assert.match(String(faults(all, { halts })), /stood still/)
  })

  test('unknown is right around a standstill, from the last proof to the first', () => {
    for (const [from, to] of [
      [300, 400],
      [298, 460],
    ] as const)
      assert.deepEqual(faults(around(from, to), { halts }), [], `${from} to ${to}`)
  })

  test('unknown is wrong when the exchange was up, too wide, too narrow, or too short', () => {
    assert.match(String(faults(around(600, 700))), /was up/)
    assert.match(String(faults(around(290, 400), { halts })), /wider/)
    assert.match(String(faults(around(300, 480), { halts })), /wider/)
    assert.match(String(faults(around(300, 380), { halts })), /stood still/)
    const short = [{ from: 300 * SECOND, to: 310 * SECOND }]
    assert.match(String(faults(around(300, 312), { halts: short })), /less than a minute/)
  })

  test('what kept the server from asking widens the standstill that it touches', () => {
    const hindered = [{ from: 390 * SECOND, to: 500 * SECOND }]
    assert.deepEqual(faults(around(300, 560), { halts, hindered }), [])
    assert.match(String(faults(around(390, 500))), /was up/)
  })

  test('a moment that is not mentioned is unknown', () => {
    assert.match(String(faults([part(0, 400, 'complete'), part(500, 1_000, 'complete')])), /never mentioned/)
    assert.match(String(faults([part(0, 900, 'complete')])), /never mentioned/)
  })

  test('nothing trades in a stretch called quiet or unknown, but for what came late', () => {
    const quiet = [part(0, 600, 'complete'), part(600, 700, 'quiet'), part(700, 1_000, 'complete')]
    assert.match(String(faults(quiet, { trades: [trade(1, 650)] })), /lies in quiet/)
    assert.deepEqual(faults(quiet, { trades: [trade(1, 599), trade(2, 700)] }), [])
    assert.deepEqual(faults(quiet, { trades: [trade(1, 750), trade(2, 650)] }), [])
  })
})
