import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import Type from 'typebox'
import Value from 'typebox/value'
import WebSocket from 'ws'
import { AggTradeFrame, BookBody, connect, DepthFrame, KlineFrame, TradeFrame, wrapped } from '../../test/wire.ts'
import { createSimulator, type SimulatorOptions } from '../index.ts'
import { readAddress } from './sockets.ts'

const minute = 60_000
const start = Date.UTC(2026, 6, 1, 12, 0, 30)

const open = async (t: TestContext, options: SimulatorOptions = {}) => {
  const simulator = await createSimulator({
    clock: 'manual',
    start,
    symbols: ['BTCUSDT', 'ETHBTC', 'AAAUSDT'],
    tradesPerSecond: { BTCUSDT: 5, ETHBTC: 0.3, AAAUSDT: 0.02 },
    historyMs: 10 * minute,
    ...options,
    limits: { messages: 1_000, pingMs: 1e12, ...options.limits },
  })
  t.after(() => simulator.close())
  return simulator
}

test('trades come once each, in order, with the texts of the truth, raw and combined and in microseconds', async (t) => {
  const simulator = await open(t)
  const [raw, combined, micro] = await Promise.all([
    connect(`${simulator.wsUrl}/ws/btcusdt@trade`),
    connect(`${simulator.wsUrl}/stream?streams=btcusdt@trade/ethbtc@trade`),
    connect(`${simulator.wsUrl}/ws/btcusdt@trade?timeUnit=MICROSECOND`),
  ])
  const first = simulator.truth.ids('BTCUSDT').last + 1
  await simulator.advance(70_000)
  await Promise.all([raw.settle(), combined.settle(), micro.settle()])
  const truth = simulator.truth.trades('BTCUSDT', first)
  const trades = raw.all(TradeFrame)
  assert.ok(trades.length > 100)
  assert.deepEqual(
    trades.map(({ t, p, q, T, m }) => [t, p, q, T, m]),
    truth.map(({ id, price, qty, time, isBuyerMaker }) => [id, price, qty, time, isBuyerMaker]),
  )
  assert.ok(trades.every(({ E, T }) => E >= T && E - T <= 100))
  const both = combined.all(wrapped(TradeFrame))
  assert.deepEqual(
    both.filter(({ stream }) => stream === 'btcusdt@trade').map(({ data }) => data),
    trades,
  )
  assert.ok(both.some(({ data }) => data.s === 'ETHBTC'))
  assert.deepEqual(
    micro.all(TradeFrame).map(({ T }) => T),
    trades.map(({ T }) => T * 1_000),
  )
})

test('aggregate trades cover the same ids', async (t) => {
  const simulator = await open(t)
  const client = await connect(`${simulator.wsUrl}/ws/btcusdt@aggTrade`)
  const first = simulator.truth.ids('BTCUSDT').last + 1
  await simulator.advance(30_000)
  await client.settle()
  const frames = client.all(AggTradeFrame)
  let next = first
  for (const { f, l } of frames) {
    assert.equal(f, next)
    next = l + 1
  }
  assert.equal(next, simulator.truth.ids('BTCUSDT').last + 1)
  assert.ok(frames.some(({ f, l }) => l > f))
})

test('each bar closes once, a little after its end, equal to REST; quiet bars close too', async (t) => {
  const simulator = await open(t)
  const client = await connect(
    `${simulator.wsUrl}/ws/btcusdt@kline_1m/aaausdt@kline_1m/btcusdt@kline_3m/btcusdt@kline_1s`,
  )
  await simulator.advance(5 * minute)
  await client.settle()
  const frames = client.all(KlineFrame)
  for (const [symbol, interval, length] of [
    ['BTCUSDT', '1m', 5],
    ['AAAUSDT', '1m', 5],
    ['BTCUSDT', '3m', 1],
    ['BTCUSDT', '1s', 299],
  ] as const) {
    const closed = frames.filter(({ s, k }) => s === symbol && k.i === interval && k.x)
    const rows = simulator.truth.candles(symbol, interval, closed[0]!.k.t, closed.at(-1)!.k.t)
    assert.deepEqual(
      closed.map(({ k }) => [k.t, k.o, k.h, k.l, k.c, k.v, k.T, k.q, k.n, k.V, k.Q, k.B]),
      rows,
    )
    assert.ok(closed.length >= length, `${closed.length} bars of ${symbol} ${interval}`)
    assert.ok(closed.every(({ E, k }) => E > k.T && E <= k.T + 400))
  }
  const quiet = frames.filter(({ k }) => k.x && k.n === 0)
  assert.ok(quiet.some(({ s }) => s === 'AAAUSDT'))
  assert.ok(quiet.every(({ k }) => k.f === -1 && k.L === -1 && k.v === '0.00000000' && k.o === k.c))
  const forming = frames.filter(({ s, k }) => s === 'BTCUSDT' && k.i === '1m' && !k.x)
  assert.ok(forming.length > 80, 'every two seconds while something trades')
})

test('a book kept from diffs equals the snapshot, and update ids chain', async (t) => {
  const simulator = await open(t)
  const client = await connect(`${simulator.wsUrl}/ws/btcusdt@depth@100ms/btcusdt@depth`)
  await simulator.advance(550)
  const snapshot = async () =>
    Value.Parse(BookBody, await (await fetch(`${simulator.restUrl}/api/v3/depth?symbol=BTCUSDT&limit=5000`)).json())
  const book = await snapshot()
  await simulator.advance(20_000)
  await client.settle()
  const bySpeed = Object.groupBy(client.all(DepthFrame), ({ u, U }) => (u - U < 100 ? 'fast' : 'slow'))
  for (const frames of [bySpeed.fast!, bySpeed.slow!]) {
    for (const [i, { U }] of frames.slice(1).entries()) assert.equal(U, frames[i]!.u + 1)
    const sides = { b: new Map(book.bids), a: new Map(book.asks) }
    const used = frames.filter(({ u }) => u > book.lastUpdateId)
    assert.ok(used[0]!.U <= book.lastUpdateId + 1 && used[0]!.u >= book.lastUpdateId + 1)
    for (const frame of used) {
      for (const side of ['b', 'a'] as const) {
        for (const [price, qty] of frame[side]) {
          if (Number(qty) === 0) sides[side].delete(price)
          else sides[side].set(price, qty)
        }
      }
    }
    const now = await snapshot()
    if (used.at(-1)!.u !== now.lastUpdateId) continue
    assert.deepEqual(Object.fromEntries(sides.b), Object.fromEntries(now.bids))
    assert.deepEqual(Object.fromEntries(sides.a), Object.fromEntries(now.asks))
  }
  assert.ok(bySpeed.fast!.length > 150 && bySpeed.slow!.length > 15)
})

test('tickers, averages, best prices and partial books have their shapes', async (t) => {
  const simulator = await open(t)
  const names = ['ticker', 'miniTicker', 'bookTicker', 'avgPrice', 'ticker_1h', 'depth5', 'depth10@100ms']
  const client = await connect(
    `${simulator.wsUrl}/stream?streams=${names.map((name) => `btcusdt@${name}`).join('/')}/!miniTicker@arr`,
  )
  await simulator.advance(3_000)
  await client.settle()
  const keys = new Map(
    client
      .all(wrapped(Type.Unknown()))
      .map(({ stream, data }) => [stream, Object.keys(Array.isArray(data) ? data[0] : (data ?? {})).join('')]),
  )
  assert.deepEqual(Object.fromEntries(keys), {
    'btcusdt@ticker': 'eEspPwxcQbBaAohlvqOCFLn',
    'btcusdt@miniTicker': 'eEscohlvq',
    'btcusdt@bookTicker': 'usbBaA',
    'btcusdt@avgPrice': 'eEsiwT',
    'btcusdt@ticker_1h': 'eEspPohlcwvqOCFLn',
    'btcusdt@depth5': 'lastUpdateIdbidsasks',
    'btcusdt@depth10@100ms': 'lastUpdateIdbidsasks',
    '!miniTicker@arr': 'eEscohlvq',
  })
  const books = client.all(wrapped(BookBody)).filter(({ stream }) => stream === 'btcusdt@depth10@100ms')
  assert.equal(books.length, 30)
  assert.ok(books.every(({ data }) => data.bids.length === 10 && data.asks.length === 10))
})

test('requests are answered in the words of the exchange', async (t) => {
  const simulator = await open(t)
  const client = await connect(`${simulator.wsUrl}/stream`)
  const { ask } = client
  const same = async (message: unknown, reply: unknown) => assert.deepEqual(await ask.call(client, message), reply)
  await same(
    { method: 'SUBSCRIBE', params: ['btcusdt@trade', 'nope@trade', 'btcusdt@bogus'], id: 1 },
    { result: null, id: 1 },
  )
  await same(
    { method: 'LIST_SUBSCRIPTIONS', id: 'a1' },
    { result: ['btcusdt@trade', 'nope@trade', 'btcusdt@bogus'], id: 'a1' },
  )
  await same({ method: 'UNSUBSCRIBE', params: ['nope@trade', 'never@there'], id: -2 }, { result: null, id: -2 })
  await same({ method: 'LIST_SUBSCRIPTIONS' }, { result: ['btcusdt@trade', 'btcusdt@bogus'], id: null })
  await same({ method: 'GET_PROPERTY', params: ['combined'], id: 3 }, { result: true, id: 3 })
  await same({ method: 'SET_PROPERTY', params: ['combined', false], id: 4 }, { result: null, id: 4 })
  await same({ method: 'GET_PROPERTY', params: ['combined'], id: 5 }, { result: false, id: 5 })
  await same(
    { method: 'SET_PROPERTY', params: ['combined', 'yes'], id: 6 },
    { code: 1, msg: 'Invalid value type: expected Boolean' },
  )
  await same({ method: 'GET_PROPERTY', params: ['colour'], id: 7 }, { code: 0, msg: 'Unknown property', id: 7 })
  await same(
    { method: 'SUBSCRIBE', params: [], extra: 1, id: 8 },
    { code: 2, msg: 'Invalid request: too many parameters' },
  )
  await same(
    { method: 'SUBSCRIBE', params: ['a@trade'], id: 1.5 },
    { code: 2, msg: 'Invalid request: request ID must be an unsigned integer' },
  )
  await same('{oh', { code: 3, msg: 'Invalid JSON: expected value at line 1 column 1' })
  const unknown = JSON.stringify(await client.ask({ method: 'SUBSCRIBES', id: 9 }))
  assert.match(unknown, /"code":2,"msg":"Invalid request: unknown variant SUBSCRIBES, expected one of .*"id":9/)
  const before = client.texts.length
  await simulator.advance(5_000)
  await client.settle()
  assert.ok(client.all(TradeFrame).length > 0, 'raw frames since combined was switched off')
  assert.ok(client.texts.length > before)
})

test('too many streams, messages and connections are refused', async (t) => {
  const simulator = await open(t, { limits: { messages: 5, streams: 3, connects: 3 } })
  const client = await connect(`${simulator.wsUrl}/ws`)
  const many = ['a@trade', 'b@trade', 'c@trade', 'd@trade']
  assert.deepEqual(await client.ask({ method: 'SUBSCRIBE', params: many, id: 1 }), {
    code: 4,
    msg: 'Too many subscriptions',
    id: 1,
  })
  assert.deepEqual(await client.ask({ method: 'SUBSCRIBE', params: many.slice(1), id: 2 }), { result: null, id: 2 })
  for (let id = 3; id <= 6; id++) client.send({ method: 'LIST_SUBSCRIPTIONS', id })
  assert.equal(await client.closed, 1008, 'the sixth message within a second')
  const crowded = await connect(`${simulator.wsUrl}/stream?streams=${many.join('/')}`)
  assert.equal(await crowded.closed, 1008)
  const third = await connect(`${simulator.wsUrl}/ws`)
  const status = async (url: string) => {
    const socket = new WebSocket(url)
    socket.on('error', () => {})
    const [, response] = await once(socket, 'unexpected-response')
    socket.terminate()
    return response.statusCode
  }
  assert.equal(await status(`${simulator.wsUrl}/ws`), 429)
  await simulator.advance(5 * minute)
  await (await connect(`${simulator.wsUrl}/ws`)).settle()
  assert.equal(await status(`${simulator.wsUrl}/nowhere`), 404)
  third.close()
})

test('pings come, a client without pongs is dropped, life ends with a notice', async (t) => {
  const limits = { pingMs: 20_000, pongMs: 60_000, lifeMs: 200_000, noticeMs: 10_000 }
  const simulator = await open(t, { limits })
  const [mute, polite] = [
    await connect(`${simulator.wsUrl}/ws`, { autoPong: false }),
    await connect(`${simulator.wsUrl}/stream`),
  ]
  let pings = 0
  polite.socket.on('ping', () => pings++)
  for (let i = 0; i < 19; i++) {
    await simulator.advance(10_000)
    await polite.settle()
  }
  assert.ok(pings >= 8)
  assert.equal(await mute.closed, 1006)
  assert.deepEqual(JSON.parse(polite.texts.findLast((text) => text.includes('serverShutdown')) ?? '{}'), {
    stream: '!serverShutdown',
    data: { e: 'serverShutdown', E: start + 190_000 },
  })
  await simulator.advance(10_000)
  assert.equal(await polite.closed, 1001)
  const { opened, expired } = simulator.counts()
  assert.deepEqual({ opened, expired }, { opened: 2, expired: 1 })
})

test('addresses', () => {
  assert.deepEqual(readAddress('/ws/a@trade/b@kline_1m@+08:00?timeUnit=microsecond'), {
    combined: false,
    scale: 1_000,
    streams: ['a@trade', 'b@kline_1m@+08:00'],
  })
  assert.deepEqual(readAddress('/stream?streams=a@kline_1m@+08:00/%21miniTicker@arr&timeUnit=MILLISECOND'), {
    combined: true,
    scale: 1,
    streams: ['a@kline_1m@+08:00', '!miniTicker@arr'],
  })
  assert.equal(readAddress('/other'), undefined)
})
