import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { isRaw, parseRaw, type Raw, recordedLines, strip, texts } from '../../../test/recorded.ts'
import type { Candle } from '../../domain/candle.ts'
import { exactText, plainText } from '../../lib/decimal.ts'
import type { StreamEvent } from '../exchange.ts'
import { binance } from './index.ts'
import { readText } from './stream.ts'

const inner = (raw: Raw, key: string): Raw => {
  const value = raw[key]
  return isRaw(value) ? value : raw
}

const levels = (rows: unknown): string[] => {
  assert.ok(Array.isArray(rows))
  return rows.map((row: unknown) => (Array.isArray(row) ? `${strip(row[0])} ${strip(row[1])}` : 'no level'))
}

type Of<Type> = Extract<StreamEvent, { type: Type }>

/** Each field that an event holds must be the text of the raw frame, and nothing may be missing. */
const lossless = {
  trade(event: Of<'trade'>, raw: Raw) {
    const [first, last] = raw.e === 'aggTrade' ? [raw.f, raw.l] : [raw.t, raw.t]
    assert.deepEqual(
      [plainText(event.price), plainText(event.quantity), event.symbol, event.time, event.side, event.id],
      [...texts(raw, 'p', 'q'), raw.s, raw.T, raw.m ? 'sell' : 'buy', first],
    )
    assert.equal(Number(event.id) + event.count - 1, last)
  },
  candle(event: Of<'candle'>, frame: Raw) {
    const raw = inner(frame, 'k')
    assert.deepEqual(figures(event), texts(raw, 'o', 'h', 'l', 'c', 'v', 'q'))
    assert.deepEqual(
      [event.symbol, event.timeframe, event.time, event.trades, event.closed, event.source, event.revision],
      [frame.s, raw.i, raw.t, raw.n, raw.x, 'exchange', 0],
    )
  },
  ticker(event: Of<'ticker'>, raw: Raw) {
    const { last, bid = Number.NaN, ask = Number.NaN, open, high, low, volume, quoteVolume } = event
    assert.deepEqual(
      [last, bid, ask, open, high, low, volume, quoteVolume].map(plainText),
      texts(raw, 'c', 'b', 'a', 'o', 'h', 'l', 'v', 'q'),
    )
    assert.deepEqual([event.symbol, event.time], [raw.s, raw.E])
  },
  top(event: Of<'top'>, raw: Raw) {
    const { bid, bidQuantity, ask, askQuantity } = event
    assert.deepEqual([bid, bidQuantity, ask, askQuantity].map(plainText), texts(raw, 'b', 'B', 'a', 'A'))
    assert.deepEqual([event.symbol, event.sequence], [raw.s, raw.u])
  },
  book(event: Of<'book'>, raw: Raw) {
    const plain = (rows: typeof event.bids) => rows.map((row) => row.map(plainText).join(' '))
    assert.deepEqual([plain(event.bids), plain(event.asks)], [levels(raw.bids ?? raw.b), levels(raw.asks ?? raw.a)])
    assert.deepEqual(
      [event.firstSequence, event.lastSequence, event.time],
      [raw.lastUpdateId ?? raw.U, raw.lastUpdateId ?? raw.u, raw.E ?? 0],
    )
  },
}

const figures = (candle: Candle): string[] => [
  ...[candle.open, candle.high, candle.low, candle.close].map(plainText),
  exactText(candle.volume, candle.volumeRest),
  exactText(candle.quoteVolume, candle.quoteVolumeRest),
]

/** Reads one recorded frame, checks it, and tells what it was. */
function checkFrame(text: string): string {
  const frame = Buffer.from(text)
  const events = binance.stream.read(frame, 7)
  assert.deepEqual(events, readText(frame, 7), 'the scanner and the schemas read the same')
  const [event] = events
  assert.equal(events.length, 1)
  assert.ok(event)
  const raw = inner(parseRaw(text), 'data')
  if (event.type === 'trade') lossless.trade(event, raw)
  else if (event.type === 'candle') lossless.candle(event, raw)
  else if (event.type === 'ticker') lossless.ticker(event, raw)
  else if (event.type === 'top') lossless.top(event, raw)
  else if (event.type === 'book') lossless.book(event, raw)
  if ('received' in event) assert.equal(event.received, 7)
  return 'reason' in event ? `${event.type}: ${event.reason}` : event.type
}

function count(frames: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const frame of frames) {
    const kind = checkFrame(frame)
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

/** The recorder asked REST for a book in between; such a line has no market and is read by the REST reader below. */
const FROM_REST = 'unknown: a book without its market'

const streams: [file: string, prefix: RegExp, counts: Record<string, number>][] = [
  ['hftbacktest/spot_btcusdt_20240808.gz', /^\d+ /, { trade: 9757, book: 3451, top: 28040, [FROM_REST]: 1 }],
  ['hftbacktest/spot_btcusdt_20240809.gz', /^\d+ /, { trade: 10147, book: 3044, top: 45134 }],
  ['hftbacktest/usdm_btcusdt_20240808.gz', /^\d+ /, { trade: 21313, book: 6551, top: 66089, [FROM_REST]: 1 }],
  ['cryptofeed/BINANCE.ws.1.0.gz', /^[\d.]+: /, { trade: 2, book: 177, top: 84, candle: 2 }],
  ['cryptofeed/BINANCE_FUTURES.ws.1.0.gz', /^[\d.]+: /, { trade: 91, book: 764, top: 613, candle: 67 }],
  ['tardis-node/binance-spot.jsonl', /^/, { trade: 2, book: 6, top: 1, ticker: 1 }],
]

describe('recorded frames map without loss', () => {
  for (const [file, prefix, expected] of streams) {
    test(file, (t) => {
      const all = recordedLines(t, `ws/${file}`)
      if (all.length === 0) return
      const frames = all.filter((line) => prefix.test(line)).map((line) => line.replace(prefix, ''))
      assert.ok(all.length - frames.length <= 1, 'only the line that names the address is no frame')
      assert.deepEqual(count(frames), expected)
    })
  }
})

test('every spot trade of the recording is read by the scanner', (t) => {
  const before = binance.stream.slowTrades?.()
  const trades = recordedLines(t, 'ws/hftbacktest/spot_btcusdt_20240808.gz').filter((line) => line.includes('@trade"'))
  for (const line of trades) binance.stream.read(Buffer.from(line.replace(/^\d+ /, '')), 0)
  assert.equal(binance.stream.slowTrades?.(), before)
})

describe('recorded REST answers map without loss', () => {
  /** `url -> time: body` */
  const answers = (t: TestContext, file: string): { query: URLSearchParams; body: unknown; raw: Raw }[] =>
    recordedLines(t, file)
      .filter((line) => line.startsWith('http'))
      .map((line) => {
        const [, url = '', body = ''] = /^(\S+) -> [\d.]+: (.*)$/.exec(line) ?? []
        return { query: new URL(url).searchParams, body: JSON.parse(body) as unknown, raw: parseRaw(body) }
      })

  for (const file of ['BINANCE.http.0.0.gz', 'BINANCE_FUTURES.http.0.0.gz']) {
    test(`depth: ${file}`, (t) => {
      for (const { query, body, raw } of answers(t, `ws/cryptofeed/${file}`)) {
        const symbol = query.get('symbol') ?? ''
        const book = binance.rest.book({ symbol, depth: 1000 }).read(body, 7)
        lossless.book(book, raw)
        assert.deepEqual([book.symbol, book.kind, book.received], [symbol, 'snapshot', 7])
      }
    })
  }

  for (const file of ['spot_btcusdt_20240808.gz', 'usdm_btcusdt_20240808.gz']) {
    test(`depth within a stream: ${file}`, (t) => {
      const all = recordedLines(t, `ws/hftbacktest/${file}`)
      const snapshots = all.map((line) => line.replace(/^\d+ /, '')).filter((line) => line.startsWith('{"lastUpdateId'))
      if (all.length > 0) assert.equal(snapshots.length, 1)
      for (const text of snapshots) {
        const raw = parseRaw(text)
        lossless.book(binance.rest.book({ symbol: 'BTCUSDT', depth: 1000 }).read(raw, 7), raw)
      }
    })
  }

  for (const [file, total] of [
    ['BINANCE.0.gz', 1695],
    ['BINANCE_FUTURES.0.gz', 122],
  ] as const) {
    test(`exchangeInfo: ${file}`, (t) => {
      for (const { body, raw } of answers(t, `ws/cryptofeed/${file}`)) {
        checkMarkets(body, raw)
        assert.equal(binance.rest.markets().read(body, 0).length, total)
      }
    })
  }
})

function checkMarkets(body: unknown, raw: Raw): void {
  const rows = raw.symbols
  assert.ok(Array.isArray(rows))
  const markets = binance.rest.markets().read(body, 0)
  assert.equal(markets.length, rows.length)
  for (const [index, market] of markets.entries()) {
    const row: unknown = rows[index]
    assert.ok(isRaw(row) && Array.isArray(row.filters))
    assert.deepEqual(
      [market.symbol, market.nativeSymbol, market.base, market.quote],
      texts(row, 'symbol', 'symbol', 'baseAsset', 'quoteAsset'),
    )
    const trades = row.status === 'TRADING' && row.isSpotTradingAllowed !== false
    assert.equal(market.status, trades ? 'trading' : 'halted', market.symbol)
    const filters = row.filters.filter(isRaw)
    const step = (type: string, key: string) => strip(filters.find(({ filterType }) => filterType === type)?.[key])
    assert.equal(market.priceDecimals, step('PRICE_FILTER', 'tickSize').split('.')[1]?.length ?? 0)
    assert.equal(market.quantityDecimals, step('LOT_SIZE', 'stepSize').split('.')[1]?.length ?? 0)
    assert.equal(plainText(market.minQuantity), step('LOT_SIZE', 'minQty'))
  }
}
