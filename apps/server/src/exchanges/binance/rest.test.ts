import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryString } from '../query.ts'
import { binance } from './index.ts'
import { signed } from './sign.ts'

const { rest, refusal, usedWeight } = binance
const MINUTE = 60_000

test('requests say what they ask and cost', () => {
  const cost = ({ path, query, weight }: { path: string; query: Record<string, string | number>; weight: number }) =>
    `${path}?${queryString(query)} ${weight}`
  assert.equal(cost(rest.time()), '/api/v3/time? 1')
  assert.equal(
    cost(rest.candles({ symbol: 'BTCUSDT', timeframe: '1M', from: 1, to: 2, limit: 5000, now: 0 })),
    '/api/v3/klines?symbol=BTCUSDT&interval=1M&startTime=1&endTime=2&limit=1000 2',
  )
  assert.equal(
    cost(rest.tradesFrom({ symbol: '币安人生USDT', fromId: 9, limit: 10 })),
    '/api/v3/historicalTrades?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&fromId=9&limit=10 25',
  )
  assert.equal(
    cost(rest.tradesBetween({ symbol: 'A', from: 0 })),
    '/api/v3/aggTrades?symbol=A&startTime=0&limit=1000 4',
  )
  assert.equal(cost(rest.recentTrades({ symbol: 'A' })), '/api/v3/trades?symbol=A&limit=1000 25')
  assert.equal(cost(rest.ticker({ symbol: 'A' })), '/api/v3/ticker/24hr?symbol=A 2')
  assert.equal(cost(rest.tickers()), '/api/v3/ticker/24hr? 80')
  const depths = [100, 101, 501, 1001, 9999].map((depth) => rest.book({ symbol: 'A', depth }))
  assert.deepEqual(
    depths.map(({ query, weight }) => [query.limit, weight]),
    [
      [100, 5],
      [101, 25],
      [501, 50],
      [1001, 250],
      [5000, 250],
    ],
  )
})

test('every timeframe it serves has limits and a code', () => {
  assert.equal(binance.timeframes.length, 16)
  assert.equal(new Set(binance.timeframes).size, 16)
})

test('a key is checked with a signature over the query as it is sent', () => {
  const query = { omitZeroBalances: 'true', recvWindow: 5000, timestamp: 1700000000000 }
  const signature = '92d7012cfe0d00c0e13b6d21ea1855675969186e9bc1707bae6b1871906b778b'
  assert.equal(signed(query, 'test-secret-binance').signature, signature)
  const request = rest.account({ key: 'the-key', secret: 'test-secret-binance', now: 1700000000000 })
  assert.equal(
    queryString(request.query),
    `omitZeroBalances=true&recvWindow=5000&timestamp=1700000000000&signature=${signature}`,
  )
  assert.deepEqual(request.headers, { 'X-MBX-APIKEY': 'the-key' })
  assert.ok(!JSON.stringify(request).includes('test-secret'))
  const body = { canTrade: false, canWithdraw: false, canDeposit: true, permissions: ['SPOT'], balances: [] }
  assert.deepEqual(request.read(body, 0), { permissions: ['SPOT', 'DEPOSIT'] })
})

test('what a signature covers is percent-encoded first', () => {
  assert.equal(
    queryString({ symbols: '["A","币"]', note: "it's (fine)!*" }),
    'symbols=%5B%22A%22%2C%22%E5%B8%81%22%5D&note=it%27s%20%28fine%29%21%2A',
  )
})

test('markets: filters by type, odd statuses, rules that are off', () => {
  const row = {
    symbol: 'AUSDT',
    status: 'TRADING',
    baseAsset: 'A',
    baseAssetPrecision: 6,
    quoteAsset: 'USDT',
    quoteAssetPrecision: 7,
    isSpotTradingAllowed: true,
    filters: [
      { filterType: 'LOT_SIZE', minQty: '10.00000000', stepSize: '10.00000000' },
      { filterType: 'BRAND_NEW', anything: {} },
      { filterType: 'PRICE_FILTER', tickSize: '0.00100000' },
    ],
  }
  const one = (fields: object) => rest.markets().read({ symbols: [{ ...row, ...fields }] }, 0)[0]
  assert.deepEqual(one({}), {
    exchange: 'binance',
    symbol: 'AUSDT',
    nativeSymbol: 'AUSDT',
    base: 'A',
    quote: 'USDT',
    status: 'trading',
    priceDecimals: 3,
    quantityDecimals: 0,
    minQuantity: 10,
  })
  for (const status of ['HALT', 'BREAK', 'END_OF_DAY', 'CANCEL_ONLY', 'SOMETHING_NEW']) {
    assert.equal(one({ status })?.status, 'halted', status)
  }
  assert.equal(one({ isSpotTradingAllowed: false })?.status, 'halted')
  const off = one({ filters: [{ filterType: 'PRICE_FILTER', tickSize: '0' }] })
  assert.deepEqual([off?.priceDecimals, off?.quantityDecimals, off?.minQuantity], [7, 6, 0])
})

test('a candle is closed when its end has come', () => {
  const row = [0, '1', '1', '1', '1', '1', 59_999, '1', 1, '1', '1', '0']
  const closed = (now: number) => rest.candles({ symbol: 'A', timeframe: '1m', now }).read([row], 0)[0]?.closed
  assert.deepEqual([closed(MINUTE - 1), closed(MINUTE)], [false, true])
  const february = Date.UTC(2024, 1, 1)
  const month = rest.candles({ symbol: 'A', timeframe: '1M', now: Date.UTC(2024, 2, 1) - 1 })
  assert.equal(month.read([[february, ...row.slice(1)]], 0)[0]?.closed, false)
})

test('rows without price or quantity are no trades; markets without a price have no ticker', () => {
  const trade = { id: 5, price: '1', qty: '2', time: 3, isBuyerMaker: false }
  const read = rest.tradesFrom({ symbol: 'A', fromId: 5 }).read
  assert.deepEqual(
    read([trade, { ...trade, id: 6, qty: '0.00000000' }, { ...trade, id: 7 }], 0).map(({ id }) => id),
    [5, 7],
  )
  const aggregates = [
    { a: 1, p: '0', q: '0', f: -1, l: -1, T: 1, m: true },
    { a: 2, p: '1', q: '1', f: 3, l: 4, T: 1, m: true },
  ]
  assert.deepEqual(
    rest
      .tradesBetween({ symbol: 'A' })
      .read(aggregates, 0)
      .map(({ id, count }) => [id, count]),
    [[3, 2]],
  )
})

test('the weight used, by the exchange’s own count', () => {
  assert.equal(usedWeight(new Headers({ 'X-MBX-USED-WEIGHT-1M': '42', 'X-MBX-USED-WEIGHT': '7' })), 42)
  assert.equal(usedWeight(new Headers({ 'x-mbx-used-weight': '7' })), 7)
  assert.equal(usedWeight(new Headers()), undefined)
  assert.equal(usedWeight(new Headers({ 'x-mbx-used-weight-1m': 'many' })), undefined)
})

test('refusals: how long to stay away, and why', () => {
  const now = 1_795_168_830_000
  const limited = '{"code":-1003,"msg":"Too much request weight used."}'
  assert.deepEqual(refusal(429, new Headers({ 'Retry-After': '7' }), limited, now), {
    kind: 'limited',
    reason: 'Too much request weight used. (-1003)',
    waitMs: 7000,
  })
  assert.equal(refusal(429, new Headers(), '', now).waitMs, MINUTE - (now % MINUTE), 'until the minute ends')
  const ban = '{"code":-1003,"msg":"Way too much request weight used; IP banned until 1795168999000. Please …"}'
  assert.deepEqual(refusal(418, new Headers({ 'Retry-After': '5' }), ban, now).waitMs, 1795168999000 - now)
  assert.equal(refusal(418, new Headers(), '<html>', now).waitMs, 2 * MINUTE)
  assert.equal(refusal(429, new Headers({ 'Retry-After': new Date(now + 9000).toUTCString() }), '', now).waitMs, 9000)
  assert.deepEqual(refusal(403, new Headers(), '<html>blocked</html>', now), {
    kind: 'refused',
    reason: 'HTTP 403, turned away by the firewall',
  })
  assert.equal(refusal(451, new Headers(), '{"code":0,"msg":"Service unavailable …"}', now).kind, 'refused')
  assert.equal(refusal(503, new Headers(), '<html>', now).kind, 'busy')
  assert.deepEqual(refusal(400, new Headers(), '{"code":-1121,"msg":"Invalid symbol."}', now), {
    kind: 'refused',
    reason: 'Invalid symbol. (-1121)',
    unknownSymbol: true,
  })
})
