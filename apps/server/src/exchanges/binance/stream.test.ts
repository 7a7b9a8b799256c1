import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamEvent } from '../exchange.ts'
import { binance } from './index.ts'

const { stream } = binance
const read = (message: unknown): readonly StreamEvent[] => {
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  return stream.read(Buffer.from(text), 1_795_168_800_500)
}

const trade = {
  e: 'trade',
  E: 1795168800105,
  s: 'BTCUSDT',
  t: 4102500000,
  p: '91255.55000000',
  q: '0.01000000',
  T: 1795168800101,
  m: true,
  M: true,
}

test('addresses and topics', () => {
  assert.equal(stream.url(binance.wsUrl), 'wss://stream.binance.com:9443/stream')
  assert.equal(stream.url('ws://127.0.0.1:8080/'), 'ws://127.0.0.1:8080/stream')
  assert.equal(stream.url('wss://stream.testnet.binance.vision/ws'), 'wss://stream.testnet.binance.vision/stream')
  const symbol = '1000SATSUSDT'
  assert.equal(stream.topic({ channel: 'trades', symbol }), '1000satsusdt@trade')
  assert.equal(stream.topic({ channel: 'candles', symbol, timeframe: '1M' }), '1000satsusdt@kline_1M')
  assert.equal(stream.topic({ channel: 'ticker', symbol }), '1000satsusdt@ticker')
  assert.equal(stream.topic({ channel: 'top', symbol }), '1000satsusdt@bookTicker')
  assert.equal(stream.topic({ channel: 'depth', symbol }), '1000satsusdt@depth@100ms')
  assert.equal(stream.subscribe(['a@trade'], 3), '{"method":"SUBSCRIBE","params":["a@trade"],"id":3}')
  assert.equal(stream.unsubscribe(['a@trade'], 4), '{"method":"UNSUBSCRIBE","params":["a@trade"],"id":4}')
})

test('a trade, wrapped and bare: the buyer waited, so the seller took it', () => {
  const expected = {
    type: 'trade',
    exchange: 'binance',
    symbol: 'BTCUSDT',
    id: 4102500000,
    count: 1,
    price: 91255.55,
    quantity: 0.01,
    side: 'sell',
    time: 1795168800101,
    received: 1795168800500,
  }
  assert.deepEqual(read(trade), [expected])
  assert.deepEqual(read({ stream: 'btcusdt@trade', data: trade }), [expected])
  assert.deepEqual(read({ ...trade, m: false }), [{ ...expected, side: 'buy' }])
  assert.deepEqual(read({ stream: 'btcusdt@trade', data: { ...trade, X: 'MARKET', extra: [] } }), [expected])
})

test('times in µs become the ms they lie in', () => {
  const [event] = read({ ...trade, E: 1795168800105999, T: 1795168800101999 })
  assert.ok(event?.type === 'trade')
  assert.equal(event.time, 1795168800101)
})

test('symbols of any script', () => {
  const [event] = read({ stream: '币安人生usdt@trade', data: { ...trade, s: '币安人生USDT' } })
  assert.ok(event?.type === 'trade')
  assert.equal(event.symbol, '币安人生USDT')
  assert.equal(stream.topic({ channel: 'trades', symbol: '币安人生USDT' }), '币安人生usdt@trade')
})

test('a trade that is none, or whose numbers a double does not hold, is set aside', () => {
  const wrong: Record<string, unknown>[] = [
    { p: '0.00000000' },
    { q: '0' },
    { p: '-1' },
    { p: '1e5' },
    { p: 'NaN' },
    { p: '' },
    { p: 91255.55 },
    { p: '0.1234567890123456789' },
    { q: '1005391012.13387515' },
    { t: 2 ** 53 },
    { t: 1.5 },
    { t: '7' },
    { t: -1 },
    { s: '' },
    { m: 'true' },
    { T: null },
  ]
  for (const fields of wrong) {
    const [event] = read({ ...trade, ...fields })
    assert.equal(event?.type, 'malformed', JSON.stringify(fields))
  }
  assert.equal(read(`{"e":"trade","E":1,"s":"A","t":007,"p":"1","q":"1","T":1,"m":true}`)[0]?.type, 'malformed')
})

test('large quantities with idle decimals are exact', () => {
  const [event] = read({ ...trade, q: '123456789.00000000' })
  assert.ok(event?.type === 'trade')
  assert.equal(event.quantity, 123456789)
  const [odd] = read({ ...trade, q: '12345678.12500000' })
  assert.ok(odd?.type === 'trade')
  assert.equal(odd.quantity, 12345678.125)
})

test('an aggregate holds the raw trades from f to l', () => {
  const { t: _, ...fields } = trade
  const [event] = read({ ...fields, e: 'aggTrade', a: 9, f: 100, l: 104 })
  assert.ok(event?.type === 'trade')
  assert.deepEqual([event.id, event.count], [100, 5])
  for (const range of [
    { f: -1, l: -1 },
    { f: 5, l: 4 },
  ]) {
    assert.equal(read({ ...fields, e: 'aggTrade', a: 9, ...range })[0]?.type, 'malformed')
  }
})

test('a candle keeps every digit of its volumes', () => {
  const k = { t: 1795168800000, T: 1795168859999, s: 'BTCUSDT', i: '1m', o: '1.5', c: '1.5', h: '1.5', l: '1.5', n: 9 }
  const [event] = read({
    e: 'kline',
    E: 1,
    s: 'BTCUSDT',
    k: { ...k, v: '928047313.48896665', q: '0.00000000', x: true },
  })
  assert.ok(event?.type === 'candle')
  assert.deepEqual([event.closed, event.quoteVolume, event.quoteVolumeRest], [true, 0, 0])
  assert.equal(event.volume, 928047313.4889667)
  assert.notEqual(event.volumeRest, 0)
})

test('all markets at once, one of them damaged', () => {
  const mini = { e: '24hrMiniTicker', E: 5, s: 'A', c: '2', o: '1', h: '3', l: '0.5', v: '10', q: '20' }
  const events = read({ stream: '!miniTicker@arr', data: [mini, { ...mini, c: 'x' }, 7] })
  assert.deepEqual(
    events.map(({ type }) => type),
    ['ticker', 'malformed', 'malformed'],
  )
  assert.deepEqual(events[0], {
    type: 'ticker',
    exchange: 'binance',
    symbol: 'A',
    last: 2,
    open: 1,
    high: 3,
    low: 0.5,
    volume: 10,
    quoteVolume: 20,
    time: 5,
    received: 1_795_168_800_500,
  })
})

test('books: changes, partial books named by their stream, empty sides', () => {
  const partial = { lastUpdateId: 7, bids: [['1.5', '2']], asks: [] }
  const [book] = read({ stream: 'btcusdt@depth5@100ms', data: partial })
  assert.ok(book?.type === 'book')
  assert.deepEqual([book.symbol, book.kind, book.firstSequence, book.bids], ['BTCUSDT', 'snapshot', 7, [[1.5, 2]]])
  assert.equal(read(partial)[0]?.type, 'unknown', 'nobody says of which market it is')
  const top = { u: 1, s: 'A', b: '0.00000000', B: '0.00000000', a: '2', A: '1' }
  const [best] = read(top)
  assert.ok(best?.type === 'top')
  assert.deepEqual([best.bid, best.bidQuantity, best.ask], [0, 0, 2])
  assert.equal(read({ ...top, B: '5' })[0]?.type, 'malformed')
})

test('answers to our messages, in both shapes', () => {
  assert.deepEqual(read('{"result":null,"id":1}'), [{ type: 'ack', id: 1 }])
  assert.deepEqual(read('{"result":["btcusdt@trade"],"id":3}'), [{ type: 'ack', id: 3 }])
  assert.deepEqual(read('{"code":2,"msg":"Invalid request: too many parameters"}'), [
    { type: 'ack', id: null, error: '2: Invalid request: too many parameters' },
  ])
  assert.deepEqual(read('{"error":{"code":4,"msg":"Too many subscriptions"},"id":19}'), [
    { type: 'ack', id: 19, error: '4: Too many subscriptions' },
  ])
  assert.deepEqual(read('{"code":0,"msg":"Unknown property","id":"abc"}'), [
    { type: 'ack', id: null, error: '0: Unknown property' },
  ])
})

test('the announced end, raw and combined', () => {
  const end = { e: 'serverShutdown', E: 1795168800000 }
  assert.deepEqual(read(end), [{ type: 'shutdown' }])
  assert.deepEqual(read({ stream: '!serverShutdown', data: end }), [{ type: 'shutdown' }])
})

test('what we do not know is told from what is broken', () => {
  assert.deepEqual(read({ e: 'markPriceUpdate' }), [{ type: 'unknown', reason: 'event markPriceUpdate' }])
  assert.deepEqual(read({ e: '__proto__' }), [{ type: 'unknown', reason: 'event __proto__' }])
  assert.deepEqual(read({ e: 'toString' }), [{ type: 'unknown', reason: 'event toString' }])
  assert.deepEqual(read({}), [{ type: 'unknown', reason: 'no known fields' }])
  assert.deepEqual(read(''), [{ type: 'malformed', reason: 'no JSON' }])
  assert.deepEqual(read('null'), [{ type: 'malformed', reason: 'no object' }])
})

test('trades of another layout are read all the same, and counted', () => {
  const before = stream.slowTrades?.() ?? 0
  const { M: _, ...fields } = trade
  assert.equal(read(fields)[0]?.type, 'trade')
  assert.equal(stream.slowTrades?.(), before + 1)
  read(trade)
  assert.equal(stream.slowTrades?.(), before + 1)
})
