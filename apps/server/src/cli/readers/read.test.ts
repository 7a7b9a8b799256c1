import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { timeframe } from '../../domain/timeframe.ts'
import type { Trade } from '../../domain/trade.ts'
import { DATA, skipWithoutData, temporary, zipOf } from '../testSupport.ts'
import type { Kind } from './columns.ts'
import { klineRows } from './klines.ts'
import { namedDay, namedSpan, readFile } from './read.ts'
import type { Compile } from './rows.ts'
import { tradeRows } from './trades.ts'

async function readAll<T extends object>(path: string, kind: Kind, compile: Compile<T>) {
  const all = { items: [] as T[], bad: [] as string[], skipped: new Map<string, number>(), rows: 0 }
  for await (const batch of readFile(path, kind, compile)) {
    all.items.push(...batch.items)
    all.bad.push(...batch.bad.map(({ line, reason }) => `${line}: ${reason}`))
    all.rows += batch.rows
    for (const [reason, n] of batch.skipped) all.skipped.set(reason, (all.skipped.get(reason) ?? 0) + n)
  }
  return all
}

const trades = (path: string, kind: 'trades' | 'aggTrades', symbol: string) =>
  readAll(path, kind, tradeRows({ kind, exchange: 'binance', symbol, day: namedDay(path) }))
const klines = (path: string, symbol: string, code: string) =>
  readAll(path, 'klines', klineRows({ exchange: 'binance', symbol, frame: timeframe(code), day: namedDay(path) }))

const RECORDED_KLINES = [
  ['klines/bybit-multi-timeframe/ADAUSDT_1m.csv.gz', '1m', 43_200, '2025-05-30T16:40', '2025-06-29T16:39'],
  ['klines/bybit-multi-timeframe/DOGEUSDT_240m.csv.gz', '4h', 180, '2025-05-30T20:00', '2025-06-29T16:00'],
  ['klines/binance-spot-BTC_USDT/BTC_USDT-1m.json.gz', '1m', 43_199, '2023-04-05T07:37', '2023-05-05T07:35'],
  ['klines/binance-spot-BTC_USDT/BTC_USDT-4h.json.gz', '4h', 11_352, '2017-08-17T12:00', '2022-10-25T00:00'],
  ['klines/binance-spot-2024-multi-timeframe/BTC_USDT-1h.csv.gz', '1h', 6_412, '2024-01-01T00:00', '2024-09-24T03:00'],
  ['klines/binance-spot-outage-2023-03-24/ADA_USDT-3m.csv.gz', '3m', 3_814, '2023-03-20T00:00', '2023-03-27T23:57'],
  ['klines/binance-usdm-1m/ALGOUSDT-1m-2023-02.csv.gz', '1m', 40_320, '2023-02-01T00:00', '2023-02-28T23:59'],
  ['klines/binance-us-1m/BTCUSDT_1m_20230301_20230321.csv.gz', '1m', 30_240, '2023-03-01T00:00', '2023-03-21T23:59'],
  ['klines/binance-spot-1m-2025-10/BTCUSDT_1m.csv.gz', '1m', 4_320, '2025-10-29T04:22', '2025-11-01T04:21'],
  [
    'klines/coinbase-second-minute/20161007_btcusd_second_trade.csv.gz',
    '1s',
    4_063,
    '2016-10-07T00:00',
    '2016-10-07T23:59',
  ],
  ['klines/trading-signals/OneWeekInMinutes.json.gz', '1m', 10_080, '2020-09-09T00:00', '2020-09-15T23:59'],
  ['klines/trading-signals/one_month_in_days.json.gz', '1d', 30, '2021-04-01T00:00', '2021-04-30T00:00'],
  ['pairs/binance-spot-BTCUSDT-2024-08-08/BTC_USDT-5m.official.csv', '5m', 2, '2024-08-08T23:55', '2024-08-09T00:00'],
] as const

for (const [file, code, rows, first, last] of RECORDED_KLINES) {
  test(`${file} is read whole`, { skip: skipWithoutData }, async () => {
    const { items, bad, skipped } = await klines(join(DATA, file), 'BTCUSDT', code)
    assert.deepEqual(bad, [])
    assert.equal(skipped.size, 0)
    const minute = (index: number): string => new Date(items.at(index)!.candle.time).toISOString().slice(0, 16)
    assert.deepEqual([items.length, minute(0), minute(-1)], [rows, first, last])
  })
}

const RECORDED_TRADES = [
  ['pairs/binance-spot-XRPETH-2019-10/XRP_OLD-trades.2019-10-11_12.jsonl.gz', 'aggTrades', 'XRPETH', 10_063, 0],
  ['ws/hftbacktest/spot_btcusdt_20240808.gz', 'trades', 'BTCUSDT', 9_757, 31_492],
  ['ws/hftbacktest/spot_btcusdt_20240809.gz', 'trades', 'BTCUSDT', 10_147, 48_178],
  ['ws/hftbacktest/usdm_btcusdt_20240808.gz', 'trades', 'BTCUSDT', 21_313, 72_641],
  ['ws/cryptofeed/BINANCE_FUTURES.ws.1.0.gz', 'aggTrades', 'SUSHIUSDT', 40, 1_496],
  ['ws/tardis-node/binance-spot.jsonl', 'trades', 'BNBBTC', 2, 8],
  [
    'ws/binance-data-processor/test_positive_binance_trade_stream_spot_trxusdt_04-03-2025.csv.gz',
    'trades',
    'TRXUSDT',
    10_000,
    0,
  ],
] as const

for (const [file, kind, symbol, count, others] of RECORDED_TRADES) {
  test(`${file} is read whole`, { skip: skipWithoutData }, async () => {
    const { items, bad, skipped } = await trades(join(DATA, file), kind, symbol)
    assert.deepEqual(bad, [])
    assert.equal(items.length, count)
    assert.equal(
      [...skipped.values()].reduce((sum, n) => sum + n, 0),
      others,
      'all other records are counted',
    )
  })
}

test('an aggregate of ccxt keeps the ids of its raw trades', { skip: skipWithoutData }, async () => {
  const { items } = await trades(join(DATA, RECORDED_TRADES[0][0]), 'aggTrades', 'XRPETH')
  const expected: Trade = {
    type: 'trade',
    exchange: 'binance',
    symbol: 'XRPETH',
    id: 15_373_518,
    count: 1,
    price: 0.00141342,
    quantity: 23,
    side: 'sell',
    time: 1_570_752_011_620,
    received: 1_570_752_011_620,
  }
  assert.deepEqual(items[0], expected)
})

const ROWS = [
  [101, '61685.99000000', '0.00120000', 1_723_075_200_123, 'True'],
  [102, '61686.00000000', '1.5', 1_723_075_200_124, 'False'],
] as const
const plainCsv = (unit: string): string =>
  ROWS.map(([id, price, quantity, time, maker]) => `${id},${price},${quantity},0,${time}${unit},${maker},True\n`).join(
    '',
  )
const HEADER = 'id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n'
const other = 'TradeId;Quantity;Price;TransactionTime;IsBuyerMarketMaker\n'

const VARIANTS: Record<string, string | Buffer> = {
  'without a header': plainCsv(''),
  'with a header': HEADER + plainCsv(''),
  'in microseconds': HEADER + plainCsv('456'),
  'in nanoseconds': plainCsv('456789'),
  'with CRLF and a BOM': `\uFEFF${(HEADER + plainCsv('')).replaceAll('\n', '\r\n')}`,
  'without a last line end': plainCsv('').trimEnd(),
  'with quotes': plainCsv('').replaceAll('True', '"True"'),
  'with other names, semicolons and 0/1':
    other + ROWS.map(([i, p, q, t, m]) => `${i};${q};${p};${t};${m === 'True' ? 1 : 0}\n`).join(''),
  gzipped: gzipSync(HEADER + plainCsv('')),
  zipped: zipOf('BTCUSDT-trades.csv', plainCsv('456')),
  'as JSON lines': ROWS.map(
    ([t, p, q, T, m]) => `${JSON.stringify({ e: 'trade', s: 'BTCUSDT', t, p, q, T, m: m === 'True' })}\n`,
  ).join(''),
  'as a JSON array of objects': JSON.stringify(
    ROWS.map(([id, price, qty, time, m]) => ({ id, price, qty, time, isBuyerMaker: m === 'True' })),
    null,
    1,
  ),
  'as frames': ROWS.map(
    ([t, p, q, T, m]) =>
      `${T}000000 ${JSON.stringify({ stream: 'btcusdt@trade', data: { e: 'trade', E: T, s: 'BTCUSDT', t, p, q, T, m: m === 'True' } })}\n`,
  ).join(''),
}

for (const [name, content] of Object.entries(VARIANTS)) {
  test(`trades ${name}`, async (t) => {
    const path = join(temporary(t), 'any-name')
    writeFileSync(path, content)
    const { items, bad } = await trades(path, 'trades', 'BTCUSDT')
    assert.deepEqual(bad, [])
    assert.deepEqual(
      items.map(({ id, price, quantity, time, side }) => [id, price, quantity, time, side]),
      [
        [101, 61685.99, 0.0012, 1_723_075_200_123, 'sell'],
        [102, 61686, 1.5, 1_723_075_200_124, 'buy'],
      ],
    )
  })
}

test('bad lines are told by line and reason, the others are read', async (t) => {
  const path = join(temporary(t), 'bad.csv')
  const bad = ['x,1,1,1,1723075200000,true,true', '3,1,1', '4,-1,1,1,1723075200000,true,true', '5,1,1,1,noon,true,true']
  const more = [
    '6,1,1,1,1723075200000,maybe,true',
    '7,0.12345678901234567,1,1,1723075200000,true,true',
    '',
    '8,1,1,1,17',
  ]
  writeFileSync(path, `${HEADER}${plainCsv('')}${[...bad, ...more].join('\n')}`)
  const read = await trades(path, 'trades', 'BTCUSDT')
  assert.deepEqual(
    read.items.map(({ id }) => id),
    [101, 102, 'x'],
  )
  assert.deepEqual(
    read.bad.map((text) => text.slice(0, 22)),
    [
      '5: 3 columns where 7 a',
      '6: price "-1" is no nu',
      '7: time "noon" is none',
      '8: neither buy nor sel',
      '9: price "0.1234567890',
      '11: 5 columns where 7 ',
    ],
  )
})

test('candles that contradict themselves or stand off the grid are bad', async (t) => {
  const path = join(temporary(t), 'bad.csv')
  const lines = [
    '1723075200000,2,3,1,2,5',
    '1723075260000,2,1,1,2,5',
    '1723075260001,2,3,1,2,5',
    '1723075320000,0,3,0,2,5',
  ]
  writeFileSync(path, lines.join('\n'))
  const { items, bad } = await klines(path, 'BTCUSDT', '1m')
  assert.equal(items.length, 1)
  assert.deepEqual(bad, [
    '2: low 1 and high 1 do not hold open 2 and close 2',
    '3: 2024-08-08T00:01:00.001Z is no open time of 1m',
    '4: a price is no number above 0 of at most 15 digits',
  ])
})

test('volumes keep every digit, also those of JSON numbers', async (t) => {
  const path = join(temporary(t), 'rows.json')
  writeFileSync(path, '[[1723075200000,1,1,1,1,1234567890123.45678901,1723075259999,1.5e-7,3,"1","1","0"]]')
  const [row] = (await klines(path, 'BTCUSDT', '1m')).items
  assert.equal(row?.candle.volume, 1234567890123.4568)
  assert.notEqual(row?.candle.volumeRest, 0)
  assert.equal(row?.candle.quoteVolume, 1.5e-7)
})

test('files of another kind, cut or missing ones are told by name', async (t) => {
  const folder = temporary(t)
  const words = join(folder, 'words.txt')
  const cut = join(folder, 'cut.gz')
  writeFileSync(words, 'these are\nonly words')
  writeFileSync(cut, gzipSync(plainCsv('').repeat(500)).subarray(0, -12))
  const isInvalid = { code: 'INVALID_FILE' }
  await assert.rejects(trades(words, 'trades', 'BTCUSDT'), isInvalid)
  await assert.rejects(trades(cut, 'trades', 'BTCUSDT'), isInvalid)
  await assert.rejects(trades(join(folder, 'none'), 'trades', 'BTCUSDT'), isInvalid)
})

test('names of archives tell their days', () => {
  const day = (path: string) => {
    const span = namedSpan(path)
    return span && [span.from, span.to].map((time) => new Date(time).toISOString().slice(0, 10))
  }
  assert.deepEqual(day('x/BTCUSDT-trades-2024-08-08.zip'), ['2024-08-08', '2024-08-09'])
  assert.deepEqual(day('BTCUSDT-1m-2024-02.csv.gz'), ['2024-02-01', '2024-03-01'])
  assert.equal(day('BTCUSDT-1m-2024-13.csv'), undefined)
  assert.equal(day('BTCUSDT_20240808.csv'), undefined)
})
