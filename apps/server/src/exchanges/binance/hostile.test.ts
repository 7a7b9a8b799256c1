import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RestRequest } from '../exchange.ts'
import { binance } from './index.ts'
import { createTradeScanner } from './scan.ts'
import { readText } from './stream.ts'

const SEED = 20_241_121
const types = new Set(['trade', 'candle', 'ticker', 'top', 'book', 'ack', 'shutdown', 'pong', 'malformed', 'unknown'])

const templates = [
  '{"stream":"btcusdt@trade","data":{"e":"trade","E":1795168800105,"s":"BTCUSDT","t":4102500000,"p":"91255.55000000","q":"0.01000000","T":1795168800101,"m":true,"M":true}}',
  '{"e":"trade","E":1795168800105,"s":"1000SATSUSDT","t":0,"p":"0.00000012","q":"12345678.00000000","T":1795168800101000,"m":false,"M":false}',
  '{"e":"aggTrade","E":1795168800105,"s":"BTCUSDT","a":34,"p":"91255.55","q":"0.025","f":41,"l":42,"T":1795168800101,"m":true}',
  '{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1795168800000,"T":1795168859999,"s":"BTCUSDT","i":"1m","f":-1,"L":-1,"o":"1.5","c":"1.5","h":"1.5","l":"1.5","v":"0.00000000","n":0,"x":true,"q":"0.00000000"}}}',
  '{"u":71234567890,"s":"BTCUSDT","b":"91255.54000000","B":"3.10000000","a":"91255.55000000","A":"1.20000000"}',
  '{"e":"depthUpdate","E":1795168800107,"s":"BTCUSDT","U":1,"u":9,"b":[["91255.54000000","2.90000000"]],"a":[["91255.60000000","0.00000000"]]}',
  '{"stream":"btcusdt@depth5","data":{"lastUpdateId":7,"bids":[["1.5","2"]],"asks":[]}}',
  '{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker","E":1,"s":"A","c":"1","o":"1","h":"1","l":"1","v":"1","q":"1"}]}',
  '{"result":null,"id":1}',
  '{"error":{"code":4,"msg":"Too many subscriptions"},"id":19}',
  '{"code":2,"msg":"Invalid request","id":3}',
].map((text) => Buffer.from(text))

interface Edit {
  readonly kind: 'set' | 'remove' | 'insert' | 'cut' | 'double'
  readonly at: number
  readonly bytes: readonly number[]
}

function edited(frame: Buffer, { kind, at, bytes }: Edit): Buffer {
  const i = Math.floor(at * frame.length)
  const rest = frame.subarray(i)
  if (kind === 'cut') return frame.subarray(0, i)
  if (kind === 'double') return Buffer.concat([frame, rest])
  const after = kind === 'insert' ? rest : rest.subarray(kind === 'set' ? bytes.length : 1)
  return Buffer.concat([frame.subarray(0, i), kind === 'remove' ? Buffer.alloc(0) : Buffer.from(bytes), after])
}

/** Bytes that mean something in JSON, and any others. */
const byte = fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:.0123456789-+eE\\ tnu')), fc.nat(255))
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('set', 'remove', 'insert', 'cut', 'double'),
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  bytes: fc.array(byte, { minLength: 1, maxLength: 3 }),
})
const mutated = (maxEdits: number) =>
  fc
    .tuple(fc.constantFrom(...templates), fc.array(edit, { maxLength: maxEdits }))
    .map(([frame, edits]) => edits.reduce(edited, frame))

test('no frame, however broken, makes the reader throw', () => {
  const frames = fc.oneof(
    { weight: 8, arbitrary: mutated(4) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)) },
  )
  fc.assert(
    fc.property(frames, (frame) => {
      for (const event of binance.stream.read(frame, 1)) {
        assert.ok(types.has(event.type))
        if (event.type !== 'trade') continue
        assert.ok(event.price > 0 && event.quantity > 0 && Number.isSafeInteger(event.id) && event.time >= 0)
      }
    }),
    { numRuns: 100_000, seed: SEED },
  )
})

test('what the scanner takes, the schemas take in the same way', () => {
  const scan = createTradeScanner()
  let scanned = 0
  const trades = fc
    .tuple(fc.constantFrom(...templates.slice(0, 2)), fc.array(edit, { maxLength: 2 }))
    .map(([frame, edits]) => edits.reduce(edited, frame))
  fc.assert(
    fc.property(trades, (frame) => {
      const trade = scan(frame, 5)
      if (!trade) return
      scanned++
      assert.deepEqual([trade], readText(frame, 5), frame.toString())
    }),
    { numRuns: 100_000, seed: SEED },
  )
  assert.ok(scanned > 10_000, `${scanned} frames kept the layout`)
})

test('any price and quantity: bit for bit the double that Number gives', () => {
  const scan = createTradeScanner()
  const decimals = fc
    .tuple(fc.nat(999_999_999), fc.nat(9), fc.nat(99_999_999), fc.integer({ min: 1, max: 9 }))
    .map(([whole, cut, fraction, places]) => {
      return `${Math.floor(whole / 10 ** cut)}.${String(fraction).padStart(8, '0').padEnd(9, '0').slice(0, places)}`
    })
  fc.assert(
    fc.property(decimals, decimals, (p, q) => {
      const text = `{"e":"trade","E":1,"s":"A","t":1,"p":"${p}","q":"${q}","T":1,"m":true,"M":true}`
      const trade = scan(Buffer.from(text), 0)
      if (trade) assert.deepEqual([trade.price, trade.quantity], [Number(p), Number(q)], text)
      else
        assert.ok(
          [p, q].some((number) => number.length > 16 || Number(number) === 0 || /\.\d{9}/.test(number)),
          text,
        )
    }),
    { numRuns: 20_000, seed: SEED },
  )
})

const requests: RestRequest<unknown>[] = [
  binance.rest.time(),
  binance.rest.markets(),
  binance.rest.candles({ symbol: 'BTCUSDT', timeframe: '1m', now: 0 }),
  binance.rest.tradesFrom({ symbol: 'BTCUSDT', fromId: 0 }),
  binance.rest.tradesBetween({ symbol: 'BTCUSDT' }),
  binance.rest.recentTrades({ symbol: 'BTCUSDT' }),
  binance.rest.book({ symbol: 'BTCUSDT', depth: 5 }),
  binance.rest.ticker({ symbol: 'BTCUSDT' }),
  binance.rest.tickers(),
  binance.rest.account({ key: 'k', secret: 's', now: 0 }),
]

/** Values that nearly fit: the right names, numbers as text, rows as lists. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    '1.5',
    '0',
    '-1',
    '1e9',
    '91255.55000000',
    '9'.repeat(400),
    'TRADING',
    1,
    -1,
    1.5,
    2 ** 60,
    null,
    true,
  ),
  fc.array(fc.constantFrom('1.5', 1, '2', 3, null), { maxLength: 12 }),
  fc.jsonValue({ maxDepth: 2 }),
)
const names =
  'serverTime symbols symbol status baseAsset quoteAsset filters filterType lastUpdateId bids asks id price qty time isBuyerMaker a p q f l T m lastPrice openPrice highPrice lowPrice volume quoteVolume closeTime canTrade permissions'
const row = fc.dictionary(fc.constantFrom(...names.split(' ')), value, { maxKeys: 12 })
const body = fc.oneof(value, row, fc.array(row, { maxLength: 3 }), fc.array(value, { maxLength: 3 }))

test('a REST reader gives its answer or throws a plain Error that says where, never what', () => {
  fc.assert(
    fc.property(body, fc.constantFrom(...requests), (answer, request) => {
      try {
        request.read(answer, 1)
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor === Error, String(error))
        assert.ok(error.message.length < 200, error.message)
      }
    }),
    { numRuns: 10_000, seed: SEED },
  )
})
