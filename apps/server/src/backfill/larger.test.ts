import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { freshStore } from '../../test/roles.ts'
import { aTrade } from '../../test/trades.ts'
import { foldTrades } from '../domain/fold.ts'
import { HOUR, MINUTE, timeframe } from '../domain/timeframe.ts'
import { lackingLarger } from './larger.ts'

const START = Date.UTC(2026, 6, 15)
const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const kept = ['1s', '1m', '5m', '1h']

/** A store that holds the minutes of six hours, of which each fourth is quiet. */
async function open(t: TestContext) {
  const store = await freshStore(t)
  const minutes = Array.from({ length: 360 }, (_, n) => n).filter((n) => n % 4)
  const trades = minutes.map((n) => aTrade({ id: n + 1, time: START + n * MINUTE }))
  await store.putCandles(foldTrades(trades, timeframe('1m')))
  const cover = (from: number, to: number, state: 'complete' | 'unknown') =>
    store.cover([{ ...market, series: '1m', from: START + from * HOUR, to: START + to * HOUR, state }])
  await cover(0, 6, 'complete')
  const make = (code: string, from: number, to: number) =>
    store.putCandles(
      foldTrades(
        trades.filter(({ time }) => time >= START + from * HOUR && time < START + to * HOUR),
        timeframe(code),
      ),
    )
  const lacking = (until = 6) =>
    lackingLarger(store, market, '1m', { from: START, to: START + 6 * HOUR }, kept, START + until * HOUR)
  return { cover, make, lacking }
}
const hours = (from: number, to: number) => ({ from: START + from * HOUR, to: START + to * HOUR })

test('what was never rolled up is found, whichever timeframe lacks it, and nothing else', async (t) => {
  const { make, lacking } = await open(t)
  assert.deepEqual(await lacking(), [hours(0, 6)])
  await make('5m', 0, 6)
  await make('1h', 0, 2)
  await make('1h', 4, 6)
  assert.deepEqual(await lacking(), [hours(2, 4)])
  assert.deepEqual(await lacking(3), [hours(2, 3)], 'what has just ended is still being made')
  await make('1h', 0, 6)
  assert.deepEqual(await lacking(), [])
})

test('a candle with an unknown part is not expected', async (t) => {
  const { cover, make, lacking } = await open(t)
  await make('5m', 0, 6)
  await cover(1.5, 2.5, 'unknown')
  assert.deepEqual(await lacking(), [hours(0, 1), hours(3, 6)])
})
