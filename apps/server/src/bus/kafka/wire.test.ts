import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Topic, Topics } from '../bus.ts'
import { eventId } from './identity.ts'
import { decode, encode, internalTopics } from './wire.ts'

const record = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(shape, { noNullPrototype: true })
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const time = fc.integer({ min: 0, max: 8e15 })
const count = fc.nat()
const market = { exchange: fc.constantFrom('binance', 'bybit'), symbol: fc.constantFrom('BTCUSDT', '币USDT') }
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const level = fc.tuple(number, number)

const trade = record({
  type: fc.constant('trade' as const),
  ...market,
  id: fc.oneof(fc.maxSafeNat(), fc.string()),
  count: fc.integer({ min: 1, max: 500 }),
  price: number,
  quantity: number,
  side: fc.constantFrom('buy' as const, 'sell' as const),
  time,
  received: time,
})
const candle = record({
  ...market,
  timeframe: fc.constantFrom('1s', '1m', '1M'),
  time,
  open: number,
  high: number,
  low: number,
  close: number,
  volume: number,
  volumeRest: number,
  quoteVolume: number,
  quoteVolumeRest: number,
  trades: count,
  closed: fc.boolean(),
  revision: count,
  source: fc.constantFrom('trades' as const, 'exchange' as const, 'backfill' as const, 'filled' as const),
})
const events: { [T in Topic]: fc.Arbitrary<Topics[T]> } = {
  trades: fc
    .record({
      ...market,
      trades: fc.array(trade, { maxLength: 5 }),
      upTo: time,
      doubtFrom: optional(time),
      filled: optional(record({ from: time, to: time })),
      halted: optional(fc.constant(true as const)),
      hole: optional(record({ from: time, to: time })),
    })
    .map(present),
  exchangeCandles: candle,
  tickers: fc
    .record({
      type: fc.constant('ticker' as const),
      ...market,
      last: number,
      bid: optional(number),
      ask: optional(number),
      open: number,
      high: number,
      low: number,
      volume: number,
      quoteVolume: number,
      lastTradeId: optional(fc.integer()),
      time,
      received: time,
    })
    .map(present),
  tops: record({
    type: fc.constant('top' as const),
    ...market,
    bid: number,
    bidQuantity: number,
    ask: number,
    askQuantity: number,
    sequence: count,
    received: time,
  }),
  books: record({
    type: fc.constant('book' as const),
    ...market,
    kind: fc.constantFrom('snapshot' as const, 'delta' as const),
    firstSequence: count,
    lastSequence: count,
    bids: fc.array(level),
    asks: fc.array(level),
    time,
    received: time,
  }),
  feed: record({ ...market, state: fc.constantFrom('up' as const, 'down' as const), reason: fc.string(), time }),
  markets: fc
    .record({
      ...market,
      change: fc.constantFrom(
        'listed' as const,
        'renamed' as const,
        'delisted' as const,
        'halted' as const,
        'resumed' as const,
      ),
      before: optional(fc.string()),
      time,
    })
    .map(present),
  filled: fc
    .record({
      ...market,
      from: time,
      to: time,
      timeframe: fc.constant('1m'),
      candles: count,
      repaired: optional(fc.constant(true as const)),
    })
    .map(present),
  gaps: record({ ...market, from: time, to: time }),
  candles: candle,
}

/** Without the optional fields that are not there: a record on the wire has no `undefined`. */
function present<T extends object>(event: T): T {
  const kept = { ...event }
  for (const [name, value] of Object.entries(kept)) if (value === undefined) Reflect.deleteProperty(kept, name)
  return kept
}

for (const topic of internalTopics) {
  test(`${topic} come back exactly as they went`, () => {
    const roundTrip = <T extends Topic>(name: T) =>
      fc.assert(
        fc.property(events[name], (event: Topics[T]) => {
          assert.deepEqual(decode(name, Buffer.from(encode(event))), event)
          assert.equal(eventId(name, decode(name, Buffer.from(encode(event)))), eventId(name, event))
        }),
        { numRuns: 100 },
      )
    roundTrip(topic)
  })
}

test('what is not such an event is refused with its place', () => {
  assert.throws(() => decode('gaps', Buffer.from('{"exchange":"binance","symbol":"BTCUSDT","from":1}')), /to/)
  assert.throws(() => decode('gaps', Buffer.from('{')), /JSON/)
  assert.throws(() => decode('candles', Buffer.from('{"exchange":"binance"}')))
})
