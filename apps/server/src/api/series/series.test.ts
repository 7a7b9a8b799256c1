import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import * as fc from 'fast-check'
import { apiDeps, candle, covered, MINUTE, T0 } from '../../../test/apiFixture.ts'
import { createLiveState } from '../state.ts'
import { answerPieces, type CandleQuery, type Rows, readRows } from './answer.ts'
import { createSegmentCache } from './cache.ts'
import { cachedRows } from './cached.ts'
import { createSource } from './source.ts'

const market = { exchange: 'binance', symbol: 'BTCUSDT' }

async function open(t: TestContext, now: () => number) {
  const { store, catalog } = await apiDeps(t)
  const state = createLiveState()
  const cache = createSegmentCache({ keepMs: 10_000, now })
  const source = createSource(market, '1m', { store, state, timeframes: catalog.timeframes, now })
  const bytes = (rows: Rows) => Buffer.concat(answerPieces('BTCUSDT', '1m', rows, now()))
  const plain = async (query: CandleQuery) => bytes(await readRows(source, query, now()))
  const cached = async (query: CandleQuery) => {
    const rows = await cachedRows(source, query, cache, now())
    return rows && bytes(rows)
  }
  return { store, state, cache, plain, cached }
}

const query = (more: Partial<CandleQuery> = {}): CandleQuery => ({
  limit: 100,
  closedOnly: false,
  numbers: 'number',
  ...more,
})

test('answers from segments are the same bytes as answers from the store', async (t) => {
  const bars = 900
  const now = T0 + bars * MINUTE + 7_000
  const { store, state, plain, cached } = await open(t, () => now)
  // Every kind of stretch: dense, quiet, an outage, silence that nobody speaks of, and a quiet one over a segment's end.
  const holes: [number, number][] = [
    [120, 140],
    [290, 310],
    [450, 455],
    [600, 690],
    [895, 898],
  ]
  const inHole = (n: number) => holes.some(([from, to]) => n >= from && n < to)
  const rows = Array.from({ length: bars }, (_, n) => n).filter((n) => !inHole(n))
  await store.putCandles(rows.map((n) => candle(T0 + n * MINUTE, { close: 45000 + n / 8, volume: n / 16 })))
  await store.cover([
    covered(T0, T0 + 130.5 * MINUTE),
    covered(T0 + 130.5 * MINUTE, T0 + 135 * MINUTE, 'unknown'),
    covered(T0 + 135 * MINUTE, T0 + 650 * MINUTE, 'quiet'),
    covered(T0 + 700 * MINUTE, now),
  ])
  state.takeCandle(candle(T0 + bars * MINUTE, { closed: false, close: 1 }))

  const bound = fc.option(fc.integer({ min: -50, max: bars + 50 }), { nil: undefined })
  const asked = fc.record({
    first: bound,
    last: bound,
    offset: fc.constantFrom(0, 1, 30_000),
    limit: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(1, 2, 99, 100, 101, 1000)),
    closedOnly: fc.boolean(),
    numbers: fc.constantFrom('number' as const, 'string' as const),
  })
  let served = 0
  await fc.assert(
    fc.asyncProperty(asked, async ({ first, last, offset, limit, closedOnly, numbers }) => {
      const at = (n: number) => T0 + n * MINUTE + offset
      const from = first === undefined ? {} : { from: at(first) }
      const to = last === undefined ? {} : { to: at(last) }
      const one = query({ ...from, ...to, limit, closedOnly, numbers })
      const bytes = await cached(one)
      if (bytes) served++
      if (bytes) assert.equal(bytes.toString(), (await plain(one)).toString())
    }),
    { numRuns: 400 },
  )
  assert.ok(served > 200, `only ${served} of 400 came from segments`)
})

test('a segment is not served after a candle in it has changed', async (t) => {
  let now = T0 + 500 * MINUTE
  const { store, state, cache, plain, cached } = await open(t, () => now)
  await store.putCandles(Array.from({ length: 500 }, (_, n) => candle(T0 + n * MINUTE)))
  const asked = query({ from: T0, to: T0 + 300 * MINUTE, limit: 1000 })
  const before = await cached(asked)
  const changed = candle(T0 + 42 * MINUTE, { close: 1, revision: 1 })

  // The bus tells first, the store follows.
  state.takeCandle(changed)
  cache.invalidate(changed, { from: changed.time, to: changed.time + MINUTE })
  const after = await cached(asked)
  assert.notDeepEqual(after, before)
  assert.deepEqual(after, await plain(asked))
  await store.putCandles([changed])
  assert.deepEqual(await cached(asked), after)

  // A backfill writes to the store and tells afterwards.
  const filled = candle(T0 + 250 * MINUTE, { close: 2, revision: 1 })
  await cached(asked)
  await store.putCandles([filled])
  cache.invalidate(filled, { from: filled.time, to: filled.time + MINUTE })
  assert.deepEqual(await cached(asked), await plain(asked))

  // Another process wrote, and nobody told: seen when the time is over.
  now += 60_000
  await cached(asked)
  await store.putCandles([candle(T0 + 10 * MINUTE, { close: 3, revision: 1 })])
  now += 10_001
  assert.deepEqual(await cached(asked), await plain(asked))
})

test('a sparse series is left to the store', async (t) => {
  const now = T0 + 100_000 * MINUTE
  const { store, plain, cached } = await open(t, () => now)
  await store.putCandles([candle(T0), candle(now - 50 * MINUTE)])
  assert.equal(await cached(query()), undefined)
  assert.match((await plain(query())).toString(), /10:30:00Z/)
})
