import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Candle } from '../domain/candle.ts'
import type { Coverage, CoverageState } from '../domain/coverage.ts'
import { jobCases } from './contractOfJobs.ts'
import { knownCases, ledgerCases, type Runs } from './contractOfProof.ts'
import { candle, double, failsWith, freshSymbol, MINUTE, T0, trade } from './samples.ts'
import type { Series, Store } from './store.ts'

const anyCandle = fc.record({
  open: double,
  high: double,
  low: double,
  close: double,
  volume: double,
  volumeRest: double,
  quoteVolume: double,
  quoteVolumeRest: double,
  trades: fc.integer({ min: 0, max: 2 ** 31 }),
  revision: fc.nat(5),
  source: fc.constantFrom('trades', 'exchange', 'backfill', 'filled'),
  time: fc.integer({ min: 0, max: 2 ** 32 }).map((seconds) => seconds * 1000),
})

/**
 * The promises of `Store`, each a case, against any implementation. `open` gives an empty store that reads this clock.
 * `share` of the random runs are made: less than 1 for a store that is slow by nature.
 */
export function storeContract(name: string, open: (now: () => number) => Promise<Store>, share = 1): void {
  const runs: Runs = (number) => ({ numRuns: Math.ceil(number * share) })
  describe(`${name} store`, () => {
    let store: Store
    const clock = { time: T0 }
    before(async () => {
      store = await open(() => clock.time)
    })
    after(() => store.close())
    const given = () => store

    candleCases(given, runs)
    knownCases(given, clock, runs)
    rangeCases(given, runs)
    tradeCases(given, runs)
    ledgerCases(given)
    coverageCases(given, runs)
    jobCases(given)

    test('a store that answers says so; a closed one rejects every call', async () => {
      const closed = await open(() => T0)
      await closed.ping()
      await closed.close()
      const calls = [
        () => closed.ping(),
        () => closed.putCandles([candle()]),
        () => closed.candles(candle(), {}),
        () => closed.cover([]).then(() => closed.series()),
      ]
      for (const call of calls) await assert.rejects(call, failsWith('STORE_UNAVAILABLE'))
    })
  })
}

function candleCases(given: () => Store, runs: Runs): void {
  test('candles come back bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyCandle, { selector: (one) => one.time, maxLength: 120 }), async (list) => {
        const symbol = freshSymbol()
        const put = list.map((fields) => candle({ ...fields, symbol }))
        await given().putCandles(put)
        const got = await given().candles(candle({ symbol }), {})
        assert.deepEqual(
          got,
          put.sort((a, b) => a.time - b.time),
        )
      }),
      runs(40),
    )
  })

  test('a higher or equal revision replaces a candle, a lower one never does; series() keeps count', async () => {
    const change = fc.record({ minute: fc.nat(9), revision: fc.nat(3), close: fc.integer({ min: 1, max: 4 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 5 }), async (calls) => {
        const symbol = freshSymbol()
        const model = new Map<number, Candle>()
        for (const call of calls) {
          const list = call.map(({ minute, ...rest }) => candle({ symbol, time: T0 + minute * MINUTE, ...rest }))
          await given().putCandles(list)
          for (const one of list) {
            if (one.revision >= (model.get(one.time)?.revision ?? 0)) model.set(one.time, one)
          }
        }
        const expected = [...model.values()].sort((a, b) => a.time - b.time)
        assert.deepEqual(await given().candles(candle({ symbol }), {}), expected)
        const { exchange, timeframe } = candle()
        const extent = { first: expected[0]?.time, last: expected.at(-1)?.time, count: expected.length }
        const series = (await given().series()).filter((row) => row.symbol === symbol)
        assert.deepEqual(series, expected.length ? [{ exchange, symbol, timeframe, ...extent }] : [])
      }),
      runs(40),
    )
  })

  test('series do not mix', async () => {
    const symbol = freshSymbol()
    const put = [
      candle({ symbol, close: 1 }),
      candle({ symbol, close: 2, timeframe: '1h' }),
      candle({ symbol, close: 3, timeframe: '1M' }),
      candle({ symbol, close: 4, exchange: 'bybit' }),
      candle({ symbol: `${symbol}2`, close: 5 }),
    ]
    await given().putCandles(put)
    for (const one of put) assert.deepEqual(await given().candles(one, {}), [one])
  })

  test('a candle that is still forming, or opens within a second, is refused and nothing of its list stored', async () => {
    const symbol = freshSymbol()
    for (const wrong of [{ closed: false }, { time: T0 + MINUTE + 1 }, { close: Number.NaN }]) {
      const list = [candle({ symbol }), candle({ symbol, time: T0 + MINUTE, ...wrong })]
      await assert.rejects(given().putCandles(list), failsWith('INVALID_PARAMETER'))
    }
    assert.deepEqual(await given().candles(candle({ symbol }), {}), [])
  })

  test('an empty list is stored at once, an unknown series is empty', async () => {
    await given().putCandles([])
    await given().putTrades([])
    await given().cover([])
    const nobody = { exchange: 'nowhere', symbol: 'NOTHING', timeframe: '1m' }
    assert.deepEqual(await given().candles(nobody, {}), [])
    assert.deepEqual(await given().trades(nobody, { from: 0, to: T0 }), [])
    assert.deepEqual(await given().coverage(nobody, 'trades', { from: 0, to: T0 }), [])
    assert.equal(await given().lastTrade(nobody), undefined)
  })

  test('writes that are put at once all arrive', async () => {
    const symbol = freshSymbol()
    const put = Array.from({ length: 300 }, (_, n) => candle({ symbol, time: T0 + n * MINUTE }))
    await Promise.all(put.map((one) => given().putCandles([one])))
    assert.deepEqual(await given().candles(candle({ symbol }), {}), put)
  })
}

function rangeCases(given: () => Store, runs: Runs): void {
  test('a range takes both ends, keeps the first or the newest, and ascends', async () => {
    const symbol = freshSymbol()
    const series: Series = { exchange: 'binance', symbol, timeframe: '1m' }
    const minutes = [0, 1, 2, 5, 6, 9]
    await given().putCandles(minutes.map((n) => candle({ symbol, time: T0 + n * MINUTE })).reverse())
    const ms = fc.integer({ min: -MINUTE, max: 10 * MINUTE }).map((offset) => T0 + offset)
    const edge = fc.option(
      fc.oneof(
        ms,
        fc.nat(9).map((n) => T0 + n * MINUTE),
      ),
      { nil: undefined },
    )
    const limit = fc.option(fc.nat(7), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(edge, edge, limit, fc.boolean(), async (from, to, limit, newest) => {
        const times = minutes
          .map((n) => T0 + n * MINUTE)
          .filter((time) => time >= (from ?? 0) && time <= (to ?? Infinity))
        const kept = newest
          ? times.slice(limit === undefined ? 0 : Math.max(0, times.length - limit))
          : times.slice(0, limit)
        const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }), newest }
        const got = await given().candles(series, limit === undefined ? range : { ...range, limit })
        assert.deepEqual(
          got.map((one) => one.time),
          kept,
        )
      }),
      runs(150),
    )
  })

  test('a long series is read whole, from either end', async () => {
    const symbol = freshSymbol()
    const put = Array.from({ length: 12_001 }, (_, n) => candle({ symbol, time: T0 + n * MINUTE, trades: n }))
    await given().putCandles(put)
    for (const newest of [false, true]) {
      const got = await given().candles(candle({ symbol }), { newest })
      assert.deepEqual(
        got.map((one) => one.trades),
        put.map((one) => one.trades),
      )
    }
    const last = await given().candles(candle({ symbol }), { newest: true, limit: 5_500 })
    assert.deepEqual([last.length, last.at(-1)?.trades], [5_500, 12_000])
  })
}

function tradeCases(given: () => Store, runs: Runs): void {
  const all = { from: 0, to: T0 * 2 }

  test('trades come back bit for bit, in id order', async () => {
    const id = fc.oneof(fc.nat(), fc.integer({ min: 2 ** 53 - 100, max: 2 ** 53 - 1 }))
    const any = fc.record({
      id,
      count: fc.integer({ min: 1, max: 500 }),
      price: double,
      quantity: double,
      side: fc.constantFrom('buy', 'sell'),
      time: fc.integer({ min: T0, max: T0 + 50 }),
      received: fc.integer({ min: T0, max: T0 + 50 }),
    })
    const edge = fc.integer({ min: T0 - 2, max: T0 + 52 })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(any, { selector: (one) => one.id, maxLength: 80 }),
        edge,
        edge,
        async (list, from, to) => {
          const symbol = freshSymbol()
          const put = list.map((fields) => trade({ ...fields, symbol }))
          await given().putTrades(put)
          put.sort((a, b) => Number(a.id) - Number(b.id))
          assert.deepEqual(await given().trades(trade({ symbol }), all), put)
          const some = put.filter((one) => one.time >= from && one.time < to)
          assert.deepEqual(await given().trades(trade({ symbol }), { from, to }), some)
          assert.deepEqual(await given().lastTrade(trade({ symbol })), put.at(-1))
        },
      ),
      runs(40),
    )
  })

  test('trades whose ids are names come by time, then in the order they were put', async () => {
    const symbol = freshSymbol()
    const ids = ['2290000000061666327', 'b', 'a', '7', '9007199254740993', '9007199254740992']
    const put = ids.map((id, n) => trade({ symbol, id, time: T0 + Math.floor(n / 3) }))
    await given().putTrades(put.slice(3))
    await given().putTrades(put.slice(0, 3))
    assert.deepEqual(await given().trades(trade({ symbol }), all), put)
    assert.equal(await given().lastTrade(trade({ symbol })), undefined, 'names have no highest')
  })

  test('putting a trade twice changes nothing', async () => {
    for (const id of [17, 'x17']) {
      const symbol = freshSymbol()
      const first = trade({ symbol, id, received: T0 + 1 })
      await given().putTrades([first, { ...first, received: T0 + 2 }])
      await given().putTrades([{ ...first, received: T0 + 3, time: T0 + 9 }])
      assert.deepEqual(await given().trades(first, all), [first], 'the first stays')
    }
  })

  test('trades and what they complete are stored in one transaction', async () => {
    const symbol = freshSymbol()
    const put = [1, 2].map((id) => trade({ symbol, id, time: T0 + id }))
    const market = { exchange: put[0]!.exchange, symbol }
    const covered: Coverage = { ...market, series: 'trades', from: T0, to: T0 + 3, state: 'complete' }
    const wrong = { ...covered, to: T0 - 1 }
    await assert.rejects(given().putTrades(put, [wrong]), failsWith('INVALID_RANGE'))
    assert.deepEqual(await given().trades(market, all), [], 'all or nothing')
    await given().putTrades(put, [covered])
    assert.deepEqual(await given().trades(market, all), put)
    assert.deepEqual(await given().coverage(market, 'trades', all), [covered])
    await given().putTrades([], [{ ...covered, from: T0 + 3, to: T0 + 9 }])
    assert.deepEqual(await given().coverage(market, 'trades', all), [{ ...covered, to: T0 + 9 }])
  })

  test('a limit keeps the earliest, and asking again from the last time goes on without a gap', async () => {
    const symbol = freshSymbol()
    const put = Array.from({ length: 100 }, (_, n) => trade({ symbol, id: n, time: T0 + Math.floor(n / 3) }))
    await given().putTrades(put)
    const seen = new Set<number | string>()
    for (let from = T0, grown = -1; grown !== seen.size; ) {
      grown = seen.size
      const page = await given().trades(trade({ symbol }), { from, to: T0 + 1000, limit: 10 })
      assert.ok(page.length <= 10)
      for (const one of page) seen.add(one.id)
      from = page.at(-1)?.time ?? from
    }
    assert.deepEqual([...seen], [...put.keys()])
  })

  test('bounds may lie anywhere, also between two ms', async () => {
    const symbol = freshSymbol()
    const put = [0, 1, 2].map((id) => trade({ symbol, id, time: T0 + id }))
    const covered: Coverage = { ...trade({ symbol }), series: 'trades', from: T0, to: T0 + 3, state: 'complete' }
    await given().putTrades(put, [covered])
    const everything = { from: -Infinity, to: Infinity }
    assert.deepEqual(await given().trades(put[0]!, everything), put)
    assert.equal((await given().coverage(put[0]!, 'trades', everything)).length, 1)
    assert.deepEqual(await given().trades(put[0]!, { from: T0 + 0.5, to: T0 + 1.5 }), [put[1]])
    await given().putCandles([candle({ symbol })])
    assert.deepEqual(await given().candles(candle({ symbol }), everything), [candle({ symbol })])
    assert.equal(await given().pruneJobs(-Infinity), 0)
  })

  test('pruning deletes what is older, in every market, and says how many', async () => {
    await given().pruneTrades(Number.MAX_SAFE_INTEGER)
    const [one, two] = [freshSymbol(), freshSymbol()]
    const counted = Array.from({ length: 6_000 }, (_, n) => trade({ symbol: one, id: n, time: T0 + n }))
    const named = Array.from({ length: 10 }, (_, n) => trade({ symbol: two, id: `n${n}`, time: T0 + 5_490 + n }))
    await given().putTrades([...counted, ...named])
    assert.equal(await given().pruneTrades(T0 + 5_495), 5_495 + 5)
    assert.deepEqual(await given().trades(trade({ symbol: one }), all), counted.slice(5_495))
    assert.deepEqual(await given().trades(trade({ symbol: two }), all), named.slice(5))
    assert.equal(await given().pruneTrades(T0 + 5_495), 0)
  })

  test('a trade that can’t be kept exactly is refused', async () => {
    const symbol = freshSymbol()
    for (const wrong of [{ id: 2 ** 53 }, { price: Number.NaN }, { time: T0 + 0.5 }]) {
      await assert.rejects(given().putTrades([trade({ symbol, ...wrong })]), failsWith('INVALID_PARAMETER'))
    }
  })
}

function coverageCases(given: () => Store, runs: Runs): void {
  const END = 30
  const point = fc.integer({ min: 0, max: END })
  const states: readonly CoverageState[] = ['complete', 'quiet', 'unknown']
  const interval = fc
    .record({ a: point, b: point, state: fc.constantFrom(...states) })
    .map(({ a, b, state }) => ({ from: Math.min(a, b), to: Math.max(a, b), state }))

  test('coverage: the latest word on each ms wins, neighbours of one state are one, a range clips', async () => {
    const calls = fc.array(fc.array(interval, { maxLength: 5 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(calls, interval, async (calls, range) => {
        const market = { exchange: 'binance', symbol: freshSymbol() }
        const model: (CoverageState | undefined)[] = Array(END).fill(undefined)
        for (const call of calls) {
          await given().cover(call.map((part) => ({ ...market, series: 'trades', ...part })))
          for (const { from, to, state } of call) model.fill(state, from, to)
        }
        const got = await given().coverage(market, 'trades', range)
        const expected: Coverage[] = []
        for (let ms = range.from; ms < range.to; ms++) {
          const state = model[ms]
          const last = expected.at(-1)
          if (!state) continue
          if (last?.to === ms && last.state === state) expected[expected.length - 1] = { ...last, to: ms + 1 }
          else expected.push({ ...market, series: 'trades', from: ms, to: ms + 1, state })
        }
        assert.deepEqual(got, expected)
      }),
      runs(200),
    )
  })

  test('a change at the seam of two intervals joins the one before', async () => {
    const market = { exchange: 'binance', symbol: freshSymbol() }
    const cover = (from: number, to: number, state: CoverageState) =>
      given().cover([{ ...market, series: 'trades', from, to, state }])
    await cover(0, 10, 'complete')
    await cover(10, 20, 'quiet')
    await cover(10, 20, 'complete')
    const all: Coverage[] = [{ ...market, series: 'trades', from: 0, to: 20, state: 'complete' }]
    assert.deepEqual(await given().coverage(market, 'trades', { from: 0, to: 99 }), all)
  })

  test('coverage of markets and series does not mix', async () => {
    const [one, two] = [freshSymbol(), freshSymbol()]
    const base = { exchange: 'binance', from: T0, to: T0 + 10 }
    const put: Coverage[] = [
      { ...base, symbol: one, series: 'trades', state: 'complete' },
      { ...base, symbol: one, series: '1m', state: 'quiet' },
      { ...base, symbol: two, series: 'trades', state: 'unknown' },
    ]
    await given().cover(put)
    for (const part of put) assert.deepEqual(await given().coverage(part, part.series, part), [part])
  })

  test('an interval that ends before it starts is refused', async () => {
    const wrong: Coverage = { exchange: 'binance', symbol: 'X', series: 'trades', from: 2, to: 1, state: 'complete' }
    await assert.rejects(given().cover([wrong]), failsWith('INVALID_RANGE'))
  })
}
