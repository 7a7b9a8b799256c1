import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Candle } from '../../domain/candle.ts'
import type { Trade } from '../../domain/trade.ts'
import type { Outgoing } from './record.ts'
import { families, publicTopics } from './topics.ts'
import { createViews } from './views.ts'

const profile = {
  families: new Set(families),
  timeframes: ['1m', '1h'],
  primaryExchange: 'binance',
  symbols: new Set(['BTCUSDT']),
}
const views = createViews(profile)
const topics = (records: readonly Outgoing[]) => records.map(({ topic }) => topic)

const trade: Trade = {
  type: 'trade',
  exchange: 'binance',
  symbol: 'BTCUSDT',
  id: 3812,
  count: 1,
  price: 45050,
  quantity: 0.00000012,
  side: 'buy',
  time: 1705757742000,
  received: 1705757742031,
}
const candle: Candle = {
  exchange: 'binance',
  symbol: 'BTCUSDT',
  timeframe: '1m',
  time: 1705757700000,
  open: 45000,
  high: 45100.5,
  low: 44900,
  close: 45050,
  volume: 9007199254740992,
  volumeRest: 0.00000001,
  quoteVolume: 67575,
  quoteVolumeRest: 0,
  trades: 42,
  closed: true,
  revision: 0,
  source: 'trades',
}

test('a trade, under both its names', () => {
  const records = views.trade(trade)
  assert.deepEqual(topics(records), ['raw-market-data', 'crypto.raw.trades'])
  for (const { key, value, headers } of records) {
    assert.equal(key, 'binance:BTCUSDT')
    assert.equal(
      value,
      '{"type":"trade","exchange":"binance","symbol":"BTCUSDT","id":"3812","price":"45050","quantity":"0.00000012","side":"buy","time":1705757742000,"received":1705757742031}',
    )
    assert.deepEqual(headers, {
      'event-id': 'binance:BTCUSDT:3812',
      schema: 'trade.v1',
      'ts-exchange': '1705757742000',
      'ts-received': '1705757742031',
    })
  }
  assert.equal(JSON.parse(views.trade({ ...trade, count: 3 })[0]!.value).count, 3, 'one record for three fills says so')
})

test('a candle, computed once, under every name, with the exact text of its sums', () => {
  const records = views.candle(candle, 1705757760010)
  assert.deepEqual(topics(records), [
    'normalized-ohlcv',
    'crypto.aggregated.1m',
    'market.data.BTCUSDT.1m',
    'market.data.BTCUSDT',
  ])
  assert.equal(
    records[0]!.value,
    '{"type":"candle","exchange":"binance","symbol":"BTCUSDT","timeframe":"1m","time":1705757700000,"close_time":1705757759999,"open":"45000","high":"45100.5","low":"44900","close":"45050","volume":"9007199254740992.00000001","quote_volume":"67575","trades":42,"closed":true,"revision":0,"source":"trades"}',
  )
  assert.equal(new Set(records.slice(0, 3).map(({ value }) => value)).size, 1)
  assert.deepEqual(JSON.parse(records[3]!.value), {
    symbol: 'BTCUSDT',
    start_time: 1705757700000,
    open: 45000,
    high: 45100.5,
    low: 44900,
    close: 45050,
    volume: 9007199254740992,
    is_closed: true,
  })
  assert.equal(records[0]!.headers['ts-received'], '1705757760010')
  const ids = [
    candle,
    { ...candle, revision: 1 },
    { ...candle, closed: false },
    { ...candle, closed: false, trades: 43 },
  ]
  assert.equal(new Set(ids.map((one) => views.candle(one, 0)[0]!.headers['event-id'])).size, 4)
})

test('names without an exchange carry the primary exchange and the listed symbols only', () => {
  for (const other of [
    { ...candle, exchange: 'bybit' },
    { ...candle, symbol: 'ETHUSDT' },
  ])
    assert.deepEqual(topics(views.candle(other, 0)), ['normalized-ohlcv', 'crypto.aggregated.1m'])
  assert.deepEqual(topics(views.candle({ ...candle, timeframe: '1h' }, 0)), [
    'normalized-ohlcv',
    'crypto.aggregated.1h',
    'market.data.BTCUSDT.1h',
  ])
})

test('tickers, books, indicators and news', () => {
  const head = { exchange: 'binance', symbol: 'BTCUSDT', time: 5, received: 6 }
  const [ticker] = views.ticker({
    ...head,
    type: 'ticker',
    last: 1.5,
    bid: 1e-7,
    open: 1,
    high: 2,
    low: 1,
    volume: 3,
    quoteVolume: 4,
  })
  assert.equal(
    ticker!.value,
    '{"type":"ticker","exchange":"binance","symbol":"BTCUSDT","last":"1.5","bid":"0.0000001","ask":null,"open_24h":"1","high_24h":"2","low_24h":"1","volume_24h":"3","time":5,"received":6}',
  )
  const [book] = views.book({
    ...head,
    type: 'book',
    kind: 'delta',
    firstSequence: 1,
    lastSequence: 2,
    bids: [[45049.9, 1.2]],
    asks: [],
  })
  assert.equal(
    book!.value,
    '{"type":"book","exchange":"binance","symbol":"BTCUSDT","kind":"delta","first_seq":1,"last_seq":2,"bids":[["45049.9","1.2"]],"asks":[],"time":5,"received":6}',
  )
  const point = {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    type: 'rsi',
    timeframe: '1m',
    time: 5,
    values: { value: 65.3 },
    revision: 0,
  }
  const [rsi] = views.indicator(point, 7)
  assert.equal(rsi!.topic, 'crypto.indicators.rsi')
  assert.equal(
    rsi!.value,
    '{"type":"rsi","exchange":"binance","symbol":"BTCUSDT","timeframe":"1m","ts":5,"value":65.3}',
  )
  const [news] = views.news({ id: 'a1', source: 'feed', time: 1, received: 2, title: 'T', url: 'https://example.org' })
  assert.deepEqual([news!.topic, news!.key, news!.headers['event-id']], ['crypto.news', 'feed', 'news:feed:a1'])
})

test('a profile switches families off', () => {
  const few = { ...profile, families: new Set(['trades', 'aggregated'] as const) }
  const some = createViews(few)
  assert.deepEqual(topics(some.trade(trade)), ['crypto.raw.trades'])
  assert.deepEqual(topics(some.candle(candle, 0)), ['crypto.aggregated.1m'])
  assert.deepEqual(
    some.of('feed', [{ exchange: 'binance', symbol: 'BTCUSDT', state: 'up', reason: '', time: 1 }], 0),
    [],
  )
  assert.deepEqual(
    topics(some.of('trades', [{ exchange: 'binance', symbol: 'BTCUSDT', trades: [trade, trade], upTo: 1 }], 0)),
    ['crypto.raw.trades', 'crypto.raw.trades'],
  )
  assert.deepEqual(
    publicTopics(few).map(({ name }) => name),
    [
      'crypto.aggregated.1m',
      'crypto.aggregated.1h',
      'crypto.raw.trades',
      'dead-letter',
      'signals',
      'executions',
      'orders',
      'analyzer.signals',
    ],
  )
})

test('every topic a record goes to is one that is made at the start', () => {
  const made = new Map(publicTopics(profile).map((spec) => [spec.name, spec]))
  for (const { topic } of [...views.trade(trade), ...views.candle(candle, 0)]) assert.ok(made.has(topic), topic)
  assert.deepEqual(made.get('raw-market-data'), { name: 'raw-market-data', partitions: 12, retention: 3_600_000 })
  assert.deepEqual(made.get('market.data.BTCUSDT'), {
    name: 'market.data.BTCUSDT',
    partitions: 1,
    retention: 86_400_000,
  })
  assert.equal(made.get('dead-letter')!.retention, 7 * 86_400_000)
})
