import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Candle } from '../domain/candle.ts'
import { MINUTE } from '../domain/timeframe.ts'
import { checkPage } from './page.ts'

const start = Date.UTC(2026, 6, 15, 12, 0)
const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const asked = { ...market, series: '1m', from: start, to: start + 5 * MINUTE }
const candle = (minute: number, change: Partial<Candle> = {}): Candle => ({
  ...market,
  timeframe: '1m',
  time: start + minute * MINUTE,
  open: 10,
  high: 12,
  low: 9,
  close: 11,
  volume: 1,
  volumeRest: 0,
  quoteVolume: 10,
  quoteVolumeRest: 0,
  trades: 3,
  closed: true,
  revision: 0,
  source: 'backfill',
  ...change,
})
const states = (candles: Candle[]) =>
  checkPage(candles, asked).coverage.map(({ from, to, state }) => [
    (from - start) / MINUTE,
    (to - start) / MINUTE,
    state,
  ])

describe('a page of candles', () => {
  test('covers the range it was asked for', () => {
    assert.deepEqual(states([0, 1, 2, 3, 4].map((minute) => candle(minute))), [[0, 5, 'complete']])
  })
  test('what the exchange left out is unknown', () => {
    assert.deepEqual(states([candle(1), candle(3)]), [
      [0, 1, 'unknown'],
      [1, 2, 'complete'],
      [2, 3, 'unknown'],
      [3, 4, 'complete'],
      [4, 5, 'unknown'],
    ])
    assert.deepEqual(states([]), [[0, 5, 'unknown']])
  })
  test('unsound candles are set aside', () => {
    const { good, bad } = checkPage(
      [
        candle(0),
        candle(1, { low: 10.5 }),
        candle(2, { time: start + 2 * MINUTE + 1 }),
        candle(3, { high: Number.NaN }),
        candle(0, { close: 12 }),
        candle(4, { volume: -1 }),
      ],
      asked,
    )
    assert.deepEqual(
      good.map(({ time }) => time),
      [start],
    )
    assert.deepEqual(
      bad.map(({ reason }) => reason),
      ['prices', 'off the grid', 'prices', 'out of order', 'figures'],
    )
  })
  test('a forming candle and one beyond the range are left out silently', () => {
    const { good, bad } = checkPage([candle(4, { closed: false }), candle(5)], asked)
    assert.deepEqual([good, bad], [[], []])
  })
})
