import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvKlines, jsonKlines, kline, lines, noRecordings, streamTrades, xrpEthTrades } from '../../test/recordings.ts'
import { exactText } from '../lib/decimal.ts'
import { addProduct, nearestValue } from '../lib/exact.ts'
import type { Candle } from './candle.ts'
import { foldTrades, rollUp } from './fold.ts'
import { nextOpen, openTime, roughMs, timeframe } from './timeframe.ts'

const skip = noRecordings
const m1 = timeframe('1m')
const m5 = timeframe('5m')

type Field = keyof Candle
const PRICES: Field[] = ['open', 'high', 'low', 'close']
const FIELDS: Field[] = [...PRICES, 'volume', 'volumeRest']

/** Every official candle that traded has its equal among ours; answers how many were compared. */
function assertEqual(ours: readonly Candle[], official: readonly Candle[], fields = FIELDS): number {
  const made = new Map(ours.map((candle) => [candle.time, candle]))
  const traded = official.filter(({ volume }) => volume > 0)
  for (const theirs of traded) {
    const mine = made.get(theirs.time)
    assert.ok(mine, `no candle at ${new Date(theirs.time).toISOString()}`)
    for (const field of fields)
      assert.equal(mine[field], theirs[field], `${field} at ${new Date(theirs.time).toISOString()}`)
  }
  return traded.length
}

/** Official candles of which `smaller` holds every part: the recordings start and end within a candle. */
function whole(official: readonly Candle[], smaller: readonly Candle[], code: string, smallerCode: string): Candle[] {
  const from = smaller[0]!.time
  const to = nextOpen(timeframe(smallerCode), smaller.at(-1)!.time)
  return official.filter(({ time }) => time >= from && nextOpen(timeframe(code), time) <= to)
}

test('XRP/ETH: two days of trades give the official 1m and 5m candles', { skip }, () => {
  const trades = xrpEthTrades()
  const ours = foldTrades(trades, m1)
  const minutes = jsonKlines('1m', 'pairs/binance-spot-XRPETH-2019-10/XRP_ETH-1m.2019-10-11_12.json.gz')
  const fives = jsonKlines('5m', 'pairs/binance-spot-XRPETH-2019-10/XRP_ETH-5m.2019-10-11_12.json.gz')
  assert.equal(assertEqual(ours, minutes), 1_995)
  assert.equal(ours.length, 1_995, 'and none where nothing traded')
  assert.equal(assertEqual(foldTrades(trades, m5), fives), 573)
  assert.equal(assertEqual(rollUp(ours, m5), fives), 573)
  assert.equal(assertEqual(rollUp(minutes, m5), fives), 573, "the exchange's own flat minutes lend no price")
  assert.equal(
    ours.reduce((sum, { trades }) => sum + trades, 0),
    trades.reduce((sum, { count }) => sum + count, 0),
  )
})

test('BTC/USDT spot: trades give the official 5m candles', { skip }, () => {
  const trades = ['20240808', '20240809'].flatMap((day) => streamTrades(`ws/hftbacktest/spot_btcusdt_${day}.gz`))
  const official = csvKlines('5m', 'pairs/binance-spot-BTCUSDT-2024-08-08/BTC_USDT-5m.official.csv')
  assert.equal(assertEqual(foldTrades(trades, m5), official), 2)
  assert.equal(assertEqual(rollUp(foldTrades(trades, timeframe('1s')), m5), official), 2)
})

test('BTC/USDT futures: volume, quote volume and count are the official ones to the last digit', { skip }, () => {
  const trades = streamTrades('ws/hftbacktest/usdm_btcusdt_20240808.gz')
  const official = csvKlines('1m', 'pairs/binance-usdm-BTCUSDT-2024-08-08/BTCUSDT-1m.official.csv', 7, 8)
  const all: Field[] = [...FIELDS, 'quoteVolume', 'quoteVolumeRest', 'trades']
  assert.equal(assertEqual(foldTrades(trades, m1), official, all), 5)
  assert.equal(assertEqual(rollUp(foldTrades(trades, timeframe('1s')), m1), official, all), 5)
})

test('the quote amount of each recorded Binance trade is reproduced', { skip }, () => {
  const answers = lines('rest/gocryptotrader/binance-spot-public.jsonl.gz').map((line) => JSON.parse(line))
  const trades = answers.filter(({ path }) => path === '/api/v3/trades').flatMap(({ response }) => response)
  assert.ok(trades.length > 1_000)
  for (const { price, qty, quoteQty } of trades) {
    const sums = new Float64Array(2)
    addProduct(sums, 0, Number(price), Number(qty))
    assert.equal(nearestValue(sums[0]!, sums[1]!), Number(quoteQty), `${price} × ${qty}`)
  }
})

for (const symbol of ['ADAUSDT', 'DOGEUSDT']) {
  test(`Bybit ${symbol}: 1m rolls up to every larger frame`, { skip }, () => {
    const file = (minutes: number, code: string) =>
      csvKlines(code, `klines/bybit-multi-timeframe/${symbol}_${minutes}m.csv.gz`)
    const minutes = file(1, '1m').slice(0, -1)
    let smaller = minutes
    for (const [length, code, count] of [
      [5, '5m', 8_639],
      [15, '15m', 2_879],
      [30, '30m', 1_439],
      [60, '1h', 719],
      [240, '4h', 179],
    ] as const) {
      const official = whole(file(length, code), minutes, code, '1m')
      assert.ok(official.length >= count - 1 && official.length <= count, `${official.length} of ${count}`)
      assertEqual(rollUp(minutes, timeframe(code)), official)
      smaller = rollUp(smaller, timeframe(code))
      assertEqual(smaller, official)
    }
  })
}

test('Binance spot 2023: 1m rolls up to 5m', { skip }, () => {
  const minutes = jsonKlines('1m', 'klines/binance-spot-BTC_USDT/BTC_USDT-1m.json.gz')
  const fives = jsonKlines('5m', 'klines/binance-spot-BTC_USDT/BTC_USDT-5m.json.gz')
  assert.equal(assertEqual(rollUp(minutes, m5), whole(fives, minutes, '5m', '1m')), 8_639)
})

test('Binance spot since 2017, with its maintenance gaps: 1h rolls up to 2h and 4h', { skip }, () => {
  const file = (code: string) => jsonKlines(code, `klines/binance-spot-BTC_USDT/BTC_USDT-${code}.json.gz`)
  const hours = file('1h')
  for (const [code, count] of [
    ['2h', 22_682],
    ['4h', 11_351],
  ] as const) {
    const ours = rollUp(hours, timeframe(code))
    const official = file(code).slice(0, -1)
    assert.ok(assertEqual(ours, official, PRICES) >= count - 3)
    const made = new Map(ours.map((candle) => [candle.time, candle]))
    for (const { time, volume } of official.filter(({ volume }) => volume > 0)) {
      const off = Math.abs(made.get(time)!.volume / volume - 1)
      assert.ok(off < 1e-9, `the files carry ten digits of volume, ${off} at ${time}`)
    }
  }
})

test('Binance spot 2024: 5m rolls up to 15m and 1h', { skip }, () => {
  const file = (code: string) => csvKlines(code, `klines/binance-spot-2024-multi-timeframe/BTC_USDT-${code}.csv.gz`)
  const fives = file('5m')
  for (const [code, count] of [
    ['15m', 25_649],
    ['1h', 6_412],
  ] as const)
    assert.equal(assertEqual(rollUp(fives, timeframe(code)), whole(file(code), fives, code, '5m')), count)
})

test('the trading halt of 2023-03-24: 3m and 5m agree on 15m, and nothing is drawn into the halt', { skip }, () => {
  const file = (code: string) => csvKlines(code, `klines/binance-spot-outage-2023-03-24/ADA_USDT-${code}.csv.gz`)
  const byThree = rollUp(file('3m'), timeframe('15m'))
  const byFive = rollUp(file('5m'), timeframe('15m'))
  const plain = (candles: Candle[]) =>
    candles.map(({ time, open, high, low, close, volume }) => [time, open, high, low, close, volume])
  const shared = Math.min(byThree.at(-1)!.time, byFive.at(-1)!.time)
  const upTo = (candles: Candle[]) => plain(candles.filter(({ time }) => time < shared))
  assert.deepEqual(upTo(byThree), upTo(byFive))
  assert.ok(byThree.length > 700)
  const halt = byThree.filter(
    ({ time }) => time >= Date.UTC(2023, 2, 24, 12, 45) && time < Date.UTC(2023, 2, 24, 13, 45),
  )
  assert.deepEqual(halt, [])
})

test('Coinbase: seconds roll up to minutes', { skip }, () => {
  for (const [day, count] of [
    ['20161007', 1_419],
    ['20161008', 1_400],
  ] as const) {
    const file = (unit: string, code: string) =>
      csvKlines(code, `klines/coinbase-second-minute/${day}_btcusd_${unit}_trade.csv.gz`)
    assert.equal(assertEqual(rollUp(file('second', '1s'), m1), file('minute', '1m')), count)
  }
})

/** The 1h, 2h and 4h files were written in China's time: they open with 2017-08-17 12:00, Binance did at 04:00 UTC. */
const CHINA = 8 * 3_600_000

test('hours of 2019 to 2021 are, and roll up to, what Binance answered over REST', { skip }, () => {
  const hours = jsonKlines('1h', 'klines/binance-spot-BTC_USDT/BTC_USDT-1h.json.gz')
  const utc = hours.map((candle) => ({ ...candle, time: candle.time - CHINA }))
  const answers = lines('rest/gocryptotrader/binance-spot-public.jsonl.gz').map((line) => JSON.parse(line))
  const answered = (code: string) =>
    answers
      .filter(
        ({ path, queryString: q }) =>
          path === '/api/v3/klines' && q.includes(`interval=${code}&`) && q.includes('BTCUSDT'),
      )
      .flatMap(({ response }) => response.map((row: string[]) => kline(code, row)))
      .filter(({ time }) => time < utc.at(-1)!.time - 86_400_000)
  for (const [code, count] of [
    ['1h', 1_468],
    ['1d', 1_271],
  ] as const) {
    const official = answered(code)
    const ours = new Map(rollUp(utc, timeframe(code)).map((candle) => [candle.time, candle]))
    assert.equal(assertEqual([...ours.values()], official, PRICES), count)
    const off = official.filter(({ time, volume }) => Math.abs(ours.get(time)!.volume / volume - 1) > 1e-9)
    const days = new Set(off.map(({ time }) => time))
    assert.equal(days.size, code === '1d' ? 6 : 0, "on six days Binance's own day and hours disagree about volume")
  }
})

for (const [name, path, code, quote, count] of [
  ['FILUSDT futures', 'klines/binance-usdm-1m/FILUSDT-1m-2024-02.csv.gz', '1m', 7, 8],
  ['ALGOUSDT futures', 'klines/binance-usdm-1m/ALGOUSDT-1m-2023-02.csv.gz', '1m', 7, 8],
  ['BTCUSDT spot 2025', 'klines/binance-spot-1m-2025-10/BTCUSDT_1m.csv.gz', '1m', 7, 8],
] as const) {
  test(`${name}: a day's sums are exact, whichever way they are rolled up`, { skip }, () => {
    const minutes = csvKlines(code, path, quote, count)
    const direct = rollUp(minutes, timeframe('1d'))
    const stepwise = ['5m', '1h', '4h', '1d'].reduce((candles, larger) => rollUp(candles, timeframe(larger)), minutes)
    assert.deepEqual(stepwise, direct)
    for (const day of direct) {
      const inside = minutes.filter(({ time }) => openTime(timeframe('1d'), time) === day.time)
      for (const [value, rest] of [
        ['volume', 'volumeRest'],
        ['quoteVolume', 'quoteVolumeRest'],
      ] as const) {
        const sum = inside.reduce((total, candle) => total + unitsOf(exactText(candle[value], candle[rest])), 0n)
        assert.equal(unitsOf(exactText(day[value], day[rest])), sum)
      }
    }
    assert.ok(direct.length * roughMs(timeframe('1d')) >= 3 * 86_400_000)
  })
}

function unitsOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(8, '0'))
}
