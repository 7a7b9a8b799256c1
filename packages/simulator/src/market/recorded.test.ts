import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import Type from 'typebox'
import Value from 'typebox/value'
import { klineRow, tradeBody } from '../wire.ts'
import { minuteMs } from './grid.ts'
import { createMarket } from './market.ts'
import { type RecordedTrade, recordedTape } from './recorded.ts'
import { readRecording } from './recorded-file.ts'

const data = join(import.meta.dirname, '../../../../../shared/data')
const skip = existsSync(data) ? false : `recorded market data is missing: ${data}`

const marketOf = (symbol: [string, string], trades: readonly RecordedTrade[]) => {
  const tape = recordedTape({ symbol: symbol.join(''), base: symbol[0], quote: symbol[1] }, trades)
  return createMarket(tape, Math.floor(trades[0]!.time / minuteMs) * minuteMs, 5_000)
}

const Klines = Type.Array(Type.Array(Type.Number()))

test('recorded XRPETH trades give the bars that the exchange itself published', { skip }, async () => {
  const folder = join(data, 'pairs/binance-spot-XRPETH-2019-10')
  const trades = (await readRecording(join(folder, 'XRP_OLD-trades.2019-10-11_12.jsonl.gz'))).get('XRPETH')!
  assert.equal(trades.length, 10_063)
  const market = marketOf(['XRP', 'ETH'], trades)
  for (const interval of ['1m', '5m'] as const) {
    const file = gunzipSync(readFileSync(join(folder, `XRP_ETH-${interval}.2019-10-11_12.json.gz`))).toString()
    const official = Value.Parse(Klines, JSON.parse(file))
    const end = trades.at(-1)!.time
    const ours = new Map(market.rows(interval, 0, end, end).map((row) => [row.open, klineRow(market.spec, row)]))
    let compared = 0
    for (const [open = 0, ...rest] of official) {
      const row = ours.get(open)
      if (!row) continue
      assert.deepEqual(row.slice(1, 6).map(Number), rest)
      compared++
    }
    assert.ok(compared > official.length - 3, `${compared} of ${official.length} bars compared`)
  }
})

test('a recording of raw frames plays every trade with the exchange own texts', { skip }, async () => {
  const trades = (await readRecording(join(data, 'ws/hftbacktest/spot_btcusdt_20240808.gz'))).get('BTCUSDT')!
  assert.equal(trades.length, 9_757)
  const market = marketOf(['BTC', 'USDT'], trades)
  const played = market.arrivals(0, trades.at(-1)!.time).map((trade) => tradeBody(market.spec, trade))
  assert.deepEqual(
    played.map(({ id, price, qty, time, isBuyerMaker }) => ({ id, price, qty, time, isBuyerMaker })),
    trades,
  )
})

test('trades out of order, twice, of nothing, and lines of other things', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'recording-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'trades.jsonl')
  const frame = (id: number, time: number, q = '1.50000000') =>
    JSON.stringify({ e: 'trade', s: 'BTCUSDT', t: id, p: '10.25000000', q, T: time, m: true })
  const at = 100 * minuteMs
  writeFileSync(
    file,
    [
      frame(3, at + 5),
      frame(1, at),
      frame(2, at - 1),
      '{"bids":[]}',
      frame(2, at - 1),
      frame(4, at + 6, '0'),
      'x',
    ].join('\n'),
  )
  const trades = (await readRecording(file)).get('BTCUSDT')!
  const tape = recordedTape({ symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT' }, trades)
  const market = createMarket(tape, at - 10 * minuteMs, 100)
  assert.deepEqual(
    market.arrivals(0, at + 10).map((trade) => [trade.id, trade.at - at, trade.time - at]),
    [
      [1, 0, 0],
      [2, 0, -1],
      [3, 5, 5],
    ],
  )
  assert.deepEqual(
    market.rows('1m', 0, at, at + minuteMs).map(({ open, bar }) => [open / minuteMs, bar.count]),
    [
      [99, 1],
      [100, 2],
    ],
  )
  await assert.rejects(readRecording(join(folder, 'none.jsonl')), /ENOENT/)
})

test('a recording that ends can be read past its end and halted there', () => {
  const trades = [1, 2, 3].map((id) => ({
    id,
    price: '1.00000000',
    qty: '2.00000000',
    time: id * 1_000,
    isBuyerMaker: false,
  }))
  const market = createMarket(recordedTape({ symbol: 'AUSDT', base: 'A', quote: 'USDT' }, trades), 0, 10)
  assert.equal(market.fromId(2, 10, 1e9).length, 2)
  assert.equal(market.last(1e9)?.id, 3)
  assert.equal(market.delay(1e6, 10), undefined)
  market.halt({ from: 1e6, to: 2e6 })
  assert.equal(market.fromId(1, 10, 1e9).length, 3)
})
