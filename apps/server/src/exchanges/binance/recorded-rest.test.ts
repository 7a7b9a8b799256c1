import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isRaw, parseRaw, type Raw, recordedLines, strip, texts } from '../../../test/recorded.ts'
import type { Trade } from '../../domain/trade.ts'
import { exactText, plainText } from '../../lib/decimal.ts'
import { binance } from './index.ts'

/** One answer of the collection: path, query, and the body as it was recorded. */
interface Recorded {
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
}

const answers = (t: TestContext): Recorded[] =>
  recordedLines(t, 'rest/gocryptotrader/binance-spot-public.jsonl.gz').map((line) => {
    const { path, queryString, response } = parseRaw(line)
    return { path: String(path), query: new URLSearchParams(String(queryString)), body: response }
  })

const rowsOf = (body: unknown): Raw[] => (Array.isArray(body) ? body : [body]).filter(isRaw)

/** Edited by hand by the collection: `m` has lost its name in each row. */
const DAMAGED: unknown[] = [1577977445200, 1577977445500, 1577981944800, 1577981945200]

function checkTrades(trades: readonly Trade[], rows: readonly Raw[]): void {
  assert.equal(trades.length, rows.length)
  for (const [index, trade] of trades.entries()) {
    const raw = rows[index]!
    const aggregate = 'a' in raw
    assert.deepEqual(
      [plainText(trade.price), plainText(trade.quantity)],
      aggregate ? texts(raw, 'p', 'q') : texts(raw, 'price', 'qty'),
    )
    assert.deepEqual(
      [trade.id, Number(trade.id) + trade.count - 1, trade.time, trade.side],
      aggregate
        ? [raw.f, raw.l, raw.T, raw.m ? 'sell' : 'buy']
        : [raw.id, raw.id, raw.time, raw.isBuyerMaker ? 'sell' : 'buy'],
    )
  }
}

function checkCandles({ query, body }: Recorded): void {
  const [symbol, timeframe] = [String(query.get('symbol')), String(query.get('interval'))]
  const candles = binance.rest.candles({ symbol, timeframe, now: 0 }).read(body, 0)
  assert.ok(Array.isArray(body))
  assert.equal(candles.length, body.length)
  const byEnd = binance.rest.candles({ symbol, timeframe, now: candles.at(-1)!.time }).read(body, 0)
  assert.deepEqual(
    byEnd.map(({ closed }) => closed),
    candles.map((_, index) => index < candles.length - 1),
    'only the last is still forming when it has just opened',
  )
  for (const [index, candle] of candles.entries()) {
    const row: unknown = body[index]
    assert.ok(Array.isArray(row))
    assert.deepEqual(
      [
        ...[candle.open, candle.high, candle.low, candle.close].map(plainText),
        exactText(candle.volume, candle.volumeRest),
        exactText(candle.quoteVolume, candle.quoteVolumeRest),
      ],
      [1, 2, 3, 4, 5, 7].map((column) => strip(row[column])),
    )
    assert.deepEqual([candle.time, candle.trades], [row[0], row[8]])
    assert.deepEqual([candle.symbol, candle.timeframe, candle.source], [symbol, timeframe, 'backfill'])
  }
}

function checkTickers({ query, body }: Recorded): void {
  const tickers = query.has('symbol')
    ? [binance.rest.ticker({ symbol: String(query.get('symbol')) }).read(body, 7)]
    : binance.rest.tickers().read(body, 7)
  const rows = rowsOf(body)
  assert.equal(tickers.length, rows.length)
  for (const [index, { last, bid = 0, ask = 0, open, high, low, volume, quoteVolume, ...rest }] of tickers.entries()) {
    const raw = rows[index]!
    assert.deepEqual(
      [last, bid, ask, open, high, low, volume].map(plainText),
      texts(raw, 'lastPrice', 'bidPrice', 'askPrice', 'openPrice', 'highPrice', 'lowPrice', 'volume'),
    )
    assert.equal(quoteVolume, Number(raw.quoteVolume))
    assert.deepEqual([rest.symbol, rest.time, rest.received], [raw.symbol, raw.closeTime, 7])
  }
}

function checkBook({ query, body }: Recorded): void {
  const symbol = String(query.get('symbol'))
  const book = binance.rest.book({ symbol, depth: 1000 }).read(body, 0)
  const [raw] = rowsOf(body)
  assert.ok(raw && Array.isArray(raw.bids) && Array.isArray(raw.asks))
  const level = (row: unknown) => (Array.isArray(row) ? [strip(row[0]), strip(row[1])] : row)
  assert.deepEqual(
    [book.bids, book.asks].map((side) => side.map((row) => row.map(plainText))),
    [raw.bids.map(level), raw.asks.map(level)],
  )
  assert.equal(book.lastSequence, raw.lastUpdateId)
}

const checks: Record<string, (recorded: Recorded) => void> = {
  '/api/v3/klines': checkCandles,
  '/api/v3/ticker/24hr': checkTickers,
  '/api/v3/depth': checkBook,
  '/api/v3/exchangeInfo': ({ body }) => {
    const [raw] = rowsOf(body)
    assert.ok(raw && Array.isArray(raw.symbols))
    assert.equal(binance.rest.markets().read(body, 0).length, raw.symbols.length)
  },
  '/api/v3/trades': ({ query, body }) => {
    const symbol = String(query.get('symbol'))
    checkTrades(binance.rest.recentTrades({ symbol }).read(body, 0), rowsOf(body))
    checkTrades(binance.rest.tradesFrom({ symbol, fromId: 0 }).read(body, 0), rowsOf(body))
  },
  '/api/v3/aggTrades': ({ query, body }) => {
    const request = binance.rest.tradesBetween({ symbol: String(query.get('symbol')) })
    const rows = rowsOf(body)
    if (rows.some((row) => '' in row)) {
      assert.ok(rows.every(({ T }) => DAMAGED.includes(T)))
      assert.throws(() => request.read(body, 0), /must have required properties m/)
    } else checkTrades(request.read(body, 0), rows)
  },
}

/** Answers to requests that we never make. */
const UNASKED = new Set(['/api/v3/ticker/bookTicker', '/api/v3/ticker/price', '/api/v3/avgPrice'])

test('every recorded answer maps without loss', (t) => {
  const all = answers(t)
  const counts: Record<string, number> = {}
  for (const recorded of all) {
    counts[recorded.path] = (counts[recorded.path] ?? 0) + 1
    if (!UNASKED.has(recorded.path)) checks[recorded.path]!(recorded)
  }
  if (all.length === 0) return
  assert.deepEqual(counts, {
    '/api/v3/exchangeInfo': 1,
    '/api/v3/klines': 13,
    '/api/v3/depth': 1,
    '/api/v3/ticker/24hr': 5,
    '/api/v3/ticker/bookTicker': 1,
    '/api/v3/ticker/price': 1,
    '/api/v3/avgPrice': 1,
    '/api/v3/trades': 3,
    '/api/v3/aggTrades': 23,
  })
})
