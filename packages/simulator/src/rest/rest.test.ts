import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import Type, { type Static, type TSchema } from 'typebox'
import Value from 'typebox/value'
import { createSimulator, type Simulator, type SimulatorOptions } from '../index.ts'

const start = Date.UTC(2026, 6, 1, 12, 0, 30)
const minute = 60_000
const manual = (options: SimulatorOptions = {}) =>
  createSimulator({
    clock: 'manual',
    start,
    symbols: ['BTCUSDT', 'ETHBTC', 'AAAUSDT'],
    tradesPerSecond: { BTCUSDT: 2, ETHBTC: 0.3, AAAUSDT: 0.02 },
    historyMs: 6 * 60 * minute,
    ...options,
  })

const ask = async (simulator: Simulator, path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(simulator.restUrl + path, { headers })
  const text = await response.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, headers: response.headers, body }
}

const Refusal = Type.Object({ code: Type.Integer(), msg: Type.String() })
const Rows = Type.Array(Type.Array(Type.Union([Type.Number(), Type.String()])))
const Trade = Type.Object({
  id: Type.Integer(),
  price: Type.String(),
  qty: Type.String(),
  quoteQty: Type.String(),
  time: Type.Integer(),
  isBuyerMaker: Type.Boolean(),
  isBestMatch: Type.Boolean(),
})
const Aggregate = Type.Object({ a: Type.Integer(), f: Type.Integer(), l: Type.Integer(), T: Type.Integer() })
const Mini = Type.Object({
  symbol: Type.String(),
  lastPrice: Type.String(),
  openPrice: Type.String(),
  volume: Type.String(),
  quoteVolume: Type.String(),
  firstId: Type.Integer(),
  count: Type.Integer(),
})
const Level = Type.Tuple([Type.String(), Type.String()])
const Book = Type.Object({ lastUpdateId: Type.Integer(), bids: Type.Array(Level), asks: Type.Array(Level) })
const Best = Type.Object({
  symbol: Type.String(),
  bidPrice: Type.String(),
  bidQty: Type.String(),
  askPrice: Type.String(),
  askQty: Type.String(),
})
const Info = Type.Object({
  symbols: Type.Array(
    Type.Object({
      baseAsset: Type.String(),
      quoteAsset: Type.String(),
      status: Type.String(),
      filters: Type.Array(
        Type.Object({
          filterType: Type.String(),
          tickSize: Type.Optional(Type.String()),
          stepSize: Type.Optional(Type.String()),
        }),
      ),
    }),
  ),
})
const Account = Type.Object({
  canTrade: Type.Boolean(),
  accountType: Type.String(),
  balances: Type.Array(Type.Unknown()),
})

let simulator: Simulator
before(async () => {
  simulator = await manual({ keys: [{ key: 'test-key', secret: 'test-secret-binance' }], limits: { weight: 1e9 } })
})
after(() => simulator.close())
const get = (path: string, headers?: Record<string, string>) => ask(simulator, `/api/v3/${path}`, headers)
/** The body of an answer, checked. */
const read = async <T extends TSchema>(path: string, schema: T, headers?: Record<string, string>): Promise<Static<T>> =>
  Value.Parse(schema, (await get(path, headers)).body)

const refusals: [path: string, status: number, code: number, message: RegExp][] = [
  ['klines?symbol=NOPEUSDT&interval=1m', 400, -1121, /^Invalid symbol\.$/],
  ['klines?symbol=BTCUSDT&interval=7m', 400, -1120, /^Invalid interval\.$/],
  [
    'klines?symbol=BTCUSDT',
    400,
    -1102,
    /^Mandatory parameter 'interval' was not sent, was empty\/null, or malformed\.$/,
  ],
  ['klines?interval=1m', 400, -1102, /'symbol'/],
  ['klines?symbol=&interval=1m', 400, -1102, /'symbol'/],
  [
    'klines?symbol=btcusdt&interval=1m',
    400,
    -1100,
    /^Illegal characters found in parameter 'symbol'; legal range is '/,
  ],
  ['klines?symbol=BTCUSDT&interval=1m&limit=abc', 400, -1100, /'limit'/],
  ['klines?symbol=BTCUSDT&interval=1m&startTime=-5', 400, -1100, /'startTime'/],
  ['klines?symbol=BTCUSDT&interval=1m&startTime=', 400, -1105, /^Parameter 'startTime' was empty\.$/],
  ['klines?symbol=BTCUSDT&interval=1m&limit=0', 400, -1130, /^Data sent for parameter 'limit' is not valid\.$/],
  ['klines?symbol=BTCUSDT&interval=1m&timeZone=15', 400, -1130, /'timeZone'/],
  [
    'klines?symbol=BTCUSDT&interval=1m&foo=1',
    400,
    -1104,
    /^Not all sent parameters were read; read '2' parameter\(s\) but was sent '3'\.$/,
  ],
  ['klines?symbol=BTCUSDT&symbol=ETHBTC&interval=1m', 400, -1101, /Duplicate/],
  ['time?foo=1', 400, -1101, /^Too many parameters; expected '0' and received '1'\.$/],
  ['ticker/price?symbol=BTCUSDT&symbols=["ETHBTC"]', 400, -1128, /^Combination of optional parameters invalid\.$/],
  ['ticker/price?symbols=BTCUSDT', 400, -1100, /'symbols'/],
  ['ticker/price?symbols=["NOPE"]', 400, -1121, /symbol/],
  ['ticker/price?symbol=BTCUSDT&symbolStatus=HALT', 400, -1220, /status/],
  ['ticker/24hr?symbol=BTCUSDT&type=TINY', 400, -1130, /'type'/],
  ['ticker?symbol=BTCUSDT&windowSize=61m', 400, -1130, /'windowSize'/],
  ['ticker', 400, -1102, /'symbol'/],
  ['exchangeInfo?symbol=NOPE', 400, -1121, /symbol/],
  ['aggTrades?symbol=BTCUSDT&fromId=1&startTime=2', 400, -1128, /Combination/],
  ['depth?symbol=BTCUSDT&limit=0', 400, -1130, /'limit'/],
  ['account?timestamp=1&signature=aa', 401, -2014, /^API-key format invalid\.$/],
  ['account', 400, -1102, /'timestamp'/],
]

for (const [path, status, code, message] of refusals) {
  test(`${path} is refused with ${code}`, async () => {
    const reply = await get(path)
    const body = Value.Parse(Refusal, reply.body)
    assert.deepEqual([reply.status, body.code], [status, code])
    assert.match(body.msg, message)
  })
}

test('a path that does not exist is a 404, HTML only for who wants it', async () => {
  const reply = await fetch(`${simulator.restUrl}/api/v3/nothing`, { headers: { accept: 'text/html' } })
  assert.equal(reply.status, 404)
  assert.match(await reply.text(), /<html>/)
  assert.equal((await get('nothing')).body, undefined)
})

test('klines: the newest, the oldest from a time, never past the end, all ends included', async () => {
  const rows = (query: string) => read(`klines?symbol=BTCUSDT&interval=1m${query}`, Rows)
  const truth = simulator.truth.candles('BTCUSDT', '1m', 0, start)
  assert.deepEqual(await rows(''), truth.slice(-500))
  assert.deepEqual(await rows('&limit=3'), truth.slice(-3))
  assert.equal((await rows('&limit=5000')).length, truth.length, 'a limit past 1000 is cut, not refused')
  const [from, to] = [truth[10]![0], truth[20]![0]]
  assert.deepEqual(await rows(`&startTime=${from}&limit=4`), truth.slice(10, 14))
  assert.deepEqual(await rows(`&endTime=${to}&limit=4`), truth.slice(17, 21))
  assert.deepEqual(await rows(`&startTime=${from}&endTime=${to}`), truth.slice(10, 21))
  assert.deepEqual(await rows(`&startTime=${from}&endTime=${from}`), truth.slice(10, 11))
  assert.deepEqual(await rows(`&startTime=${from + 1}&limit=1`), truth.slice(11, 12))
  assert.deepEqual(await rows(`&startTime=${from}000&limit=1`), truth.slice(10, 11), 'microseconds')
  assert.deepEqual(await rows(`&startTime=${start + minute}`), [])
  const last = truth.at(-1)!
  assert.ok(last[0] <= start && last[6] > start, 'the last row is still forming')
  assert.ok(truth.every((row) => row.length === 12 && row[6] === row[0] + minute - 1))
})

test('trades and aggregate trades page by id without a hole and agree with each other', async () => {
  const newest = await read('trades?symbol=ETHBTC&limit=200', Type.Array(Trade))
  const { last } = simulator.truth.ids('ETHBTC')
  assert.equal(newest.at(-1)!.id, last)
  assert.equal(newest[0]!.id, last - 199)
  const paged = await read(`historicalTrades?symbol=ETHBTC&fromId=${last - 99}&limit=1000`, Type.Array(Trade))
  assert.deepEqual(paged, newest.slice(100))
  for (const trade of newest) {
    const digits = (text: string) => BigInt(text.replace('.', ''))
    assert.equal(digits(trade.quoteQty), (digits(trade.price) * digits(trade.qty)) / 100_000_000n, 'truncated')
  }
  const whole = await read(`aggTrades?symbol=ETHBTC&limit=100`, Type.Array(Aggregate))
  assert.equal(whole.length, 100)
  assert.equal(whole.at(-1)!.l, last)
  for (const [index, trade] of whole.slice(1).entries()) {
    assert.equal(trade.a, whole[index]!.a + 1)
    assert.equal(trade.f, whole[index]!.l + 1)
  }
  assert.deepEqual(
    await read(`aggTrades?symbol=ETHBTC&fromId=${whole[40]!.a}&limit=7`, Type.Array(Aggregate)),
    whole.slice(40, 47),
  )
  const [from, to] = [whole[30]!.T, whole[60]!.T]
  const inside = whole.filter((trade) => trade.T >= from && trade.T <= to)
  assert.deepEqual(await read(`aggTrades?symbol=ETHBTC&startTime=${from}&endTime=${to}`, Type.Array(Aggregate)), inside)
  assert.deepEqual(
    await read(`aggTrades?symbol=ETHBTC&startTime=${from}&limit=3`, Type.Array(Aggregate)),
    inside.slice(0, 3),
  )
  assert.deepEqual(await read(`aggTrades?symbol=ETHBTC&endTime=${to}&limit=3`, Type.Array(Aggregate)), inside.slice(-3))
})

test('tickers come in every shape and are the sums of the trades', async () => {
  const full = await read('ticker/24hr?symbol=BTCUSDT', Mini)
  const trades = simulator.truth.trades('BTCUSDT')
  assert.equal(full.count, trades.length)
  assert.equal(full.lastPrice, trades.at(-1)!.price)
  const sum = trades.reduce((total, { quoteQty }) => total + BigInt(quoteQty.replace('.', '')), 0n)
  assert.equal(BigInt(full.quoteVolume.replace('.', '')), sum)
  const mini = await read('ticker/24hr?symbol=BTCUSDT&type=MINI', Mini)
  assert.ok(!('bidPrice' in mini) && 'bidPrice' in full)
  assert.equal(mini.volume, full.volume)
  assert.equal((await read('ticker/24hr', Type.Array(Mini))).length, 3)
  assert.equal((await read('ticker/24hr?symbols=["BTCUSDT","ETHBTC"]', Type.Array(Mini))).length, 2)
  assert.equal((await read('ticker/price', Type.Array(Type.Object({ price: Type.String() })))).length, 3)
  assert.equal((await read('ticker/bookTicker?symbols=["ETHBTC"]', Type.Array(Best)))[0]?.symbol, 'ETHBTC')
  const hour = await read('ticker?symbol=BTCUSDT&windowSize=1h', Mini)
  const recent = trades.filter((trade) => trade.time >= start - 60 * minute)
  assert.deepEqual([hour.count, hour.firstId, hour.openPrice], [recent.length, recent[0]!.id, recent[0]!.price])
  assert.match((await read('avgPrice?symbol=BTCUSDT', Type.Object({ price: Type.String() }))).price, /^\d+\.\d{8}$/)
})

test('depth is sorted, not crossed, and has its ticks', async () => {
  const { bids, asks, lastUpdateId } = await read('depth?symbol=BTCUSDT&limit=50', Book)
  assert.ok(Number.isSafeInteger(lastUpdateId))
  assert.deepEqual([bids.length, asks.length], [50, 50])
  const prices = [...bids.toReversed(), ...asks].map(([price]) => Number(price))
  assert.deepEqual(
    prices,
    prices.toSorted((a, b) => a - b),
  )
  const best = await read('ticker/bookTicker?symbol=BTCUSDT', Best)
  assert.deepEqual(
    [
      [best.bidPrice, best.bidQty],
      [best.askPrice, best.askQty],
    ],
    [bids[0], asks[0]],
  )
})

test('exchangeInfo lists filters and limits', async () => {
  const info = await read('exchangeInfo', Info)
  assert.equal(info.symbols.length, 3)
  const btc = (await read('exchangeInfo?symbol=BTCUSDT', Info)).symbols[0]!
  const filter = (type: string) => btc.filters.find((each) => each.filterType === type)
  assert.equal(filter('PRICE_FILTER')?.tickSize, '0.01000000')
  assert.equal(filter('LOT_SIZE')?.stepSize, '0.00001000')
  assert.deepEqual([btc.baseAsset, btc.quoteAsset, btc.status], ['BTC', 'USDT', 'TRADING'])
  assert.equal((await read('exchangeInfo?permissions=LEVERAGED', Info)).symbols.length, 0)
})

test('microseconds on request', async () => {
  const header = { 'x-mbx-time-unit': 'MICROSECOND' }
  assert.equal((await read('time', Type.Object({ serverTime: Type.Integer() }), header)).serverTime, start * 1_000)
  const [row = []] = await read('klines?symbol=BTCUSDT&interval=1m&limit=1', Rows, header)
  assert.deepEqual([Number(row[0]) % 60_000_000, Number(row[6]) - Number(row[0])], [0, 59_999_999])
})

test('account: signature, clock, window and key are checked', async () => {
  const signed = (query: string, secret = 'test-secret-binance') =>
    `account?${query}&signature=${createHmac('sha256', secret).update(query).digest('hex')}`
  const key = { 'x-mbx-apikey': 'test-key' }
  const good = await get(signed(`omitZeroBalances=true&recvWindow=5000&timestamp=${start}`), key)
  assert.equal(good.status, 200)
  const { canTrade, accountType, balances } = Value.Parse(Account, good.body)
  assert.deepEqual([canTrade, accountType, balances.length], [true, 'SPOT', 1])
  const code = async (query: string, headers = key) => Value.Parse(Refusal, (await get(query, headers)).body).code
  assert.equal(await code(signed(`timestamp=${start}`, 'other')), -1022)
  assert.equal(await code(signed(`timestamp=${start - 5_001}`)), -1021)
  assert.equal(await code(signed(`timestamp=${start + 1_000}`)), -1021)
  assert.equal(await code(signed(`timestamp=${start}&recvWindow=60001`)), -1131)
  assert.equal(await code(signed(`timestamp=${start}`), { 'x-mbx-apikey': 'some-other-key' }), -2015)
})

test('weights add up, 429 says when to come back, going on is a ban that grows', async (t) => {
  const limited = await manual({ limits: { weight: 100, ignored429: 2, banMs: 1_000 } })
  t.after(() => limited.close())
  const call = (path: string) => ask(limited, `/api/v3/${path}`)
  const used = async (path: string) => Number((await call(path)).headers.get('x-mbx-used-weight-1m'))
  assert.equal(await used('ping'), 1)
  assert.equal(await used('depth?symbol=BTCUSDT&limit=500'), 26)
  assert.equal(await used('klines?symbol=NOPE&interval=1m'), 28, 'a refused request weighs as much')
  assert.equal(await used('trades?symbol=BTCUSDT'), 53)
  assert.equal(await used('exchangeInfo'), 73)
  const over = await call('ticker/24hr')
  assert.equal(over.status, 429)
  assert.equal(over.headers.get('retry-after'), '30')
  assert.deepEqual(over.body, {
    code: -1003,
    msg: 'Too much request weight used; current limit is 100 request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.',
  })
  assert.equal((await call('ping')).status, 429)
  const ban = await call('ping')
  assert.equal(ban.status, 418)
  assert.equal(ban.headers.get('retry-after'), '1')
  assert.match(
    Value.Parse(Refusal, ban.body).msg,
    new RegExp(`^Way too much request weight used; IP banned until ${start + 1_000}\\.`),
  )
  await limited.advance(999)
  assert.equal((await call('ping')).status, 418)
  await limited.advance(1)
  assert.equal((await call('ping')).status, 418, 'the minute is not over: banned again')
  await limited.advance(1_999)
  assert.equal((await call('ping')).status, 418, 'twice as long')
  assert.ok(limited.counts().limited >= 2)
  assert.ok(limited.counts().banned >= 4)
  await limited.advance(minute)
  assert.equal((await call('ping')).headers.get('x-mbx-used-weight-1m'), '1')
})
