import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Candle } from '../domain/candle.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { candle, failsWith, freshSymbol, MINUTE, T0, trade } from './samples.ts'
import type { Store } from './store.ts'

// The promises of `Store` about what was known when, and about the ledger.

const DAY = 24 * 60 * MINUTE

/** How many random runs stand for a number of them. */
export type Runs = (number: number) => { numRuns: number }

/** `clock` is what the store reads. */
export function knownCases(given: () => Store, clock: { time: number }, runs: Runs): void {
  test('every candle comes back as it was known at any time', async () => {
    const change = fc.record({ minute: fc.nat(4), revision: fc.nat(3), close: fc.integer({ min: 1, max: 3 }) })
    const step = fc.record({ wait: fc.nat(3), list: fc.array(change, { maxLength: 4 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), fc.nat(5), async (steps, newest, limit) => {
        const symbol = freshSymbol()
        const series = candle({ symbol })
        const start = clock.time + 10
        clock.time = start
        const said = new Map<number, { knownAt: number; candle: Candle }[]>()
        for (const { wait, list } of steps) {
          clock.time += wait
          const put = list.map(({ minute, ...rest }) => candle({ symbol, time: T0 + minute * MINUTE, ...rest }))
          await given().putCandles(put)
          for (const one of put) note(said, one, clock.time)
        }
        clock.time += 100
        for (const [time, versions] of said) assert.deepEqual(await given().revisions(series, time), versions)
        for (let asOf = start - 1; asOf < start + 40; asOf++) {
          const then = [...said]
            .sort(([a], [b]) => a - b)
            .flatMap(([, versions]) => versions.findLast(({ knownAt }) => knownAt <= asOf)?.candle ?? [])
          assert.deepEqual(await given().candles(series, { asOf }), then)
          const few = newest ? then.slice(Math.max(0, then.length - limit)) : then.slice(0, limit)
          assert.deepEqual(await given().candles(series, { asOf, limit, newest }), few)
        }
        const now = await given().candles(series, {})
        assert.deepEqual(await given().candles(series, { asOf: Number.MAX_SAFE_INTEGER }), now)
      }),
      runs(25),
    )
  })

  test('a clock that steps back loses no revision', async () => {
    const symbol = freshSymbol()
    const put = [1, 2, 3].map((close) => candle({ symbol, close }))
    const start = clock.time
    await given().putCandles([put[0]!])
    clock.time -= 5 * MINUTE
    await given().putCandles([put[1]!])
    await given().putCandles([put[2]!])
    clock.time = start
    assert.deepEqual(
      (await given().revisions(candle({ symbol }), T0)).map(({ candle: { close }, knownAt }) => [close, knownAt]),
      [
        [1, start],
        [2, start + 1],
        [3, start + 2],
      ],
    )
  })

  test('a long series as of a time is read whole, from either end', async () => {
    const symbol = freshSymbol()
    const put = Array.from({ length: 11_001 }, (_, n) => candle({ symbol, time: T0 + n * MINUTE, trades: n }))
    await given().putCandles(put)
    const asOf = clock.time++
    await given().putCandles(put.filter((_, n) => n % 2).map((one) => ({ ...one, revision: 1, close: 1 })))
    await given().putCandles([candle({ symbol, time: T0 + 20_000 * MINUTE })])
    for (const newest of [false, true])
      assert.deepEqual(await given().candles(candle({ symbol }), { asOf, newest }), put)
    const last = await given().candles(candle({ symbol }), { asOf, newest: true, limit: 6_000 })
    assert.deepEqual(last, put.slice(-6_000))
  })

  test('old revisions are deleted by when they were replaced; what is valid now never is', async () => {
    await given().pruneRevisions(Number.MAX_SAFE_INTEGER)
    const symbol = freshSymbol()
    const minutes = Array.from({ length: 5_500 }, (_, n) => T0 + n * MINUTE)
    const start = clock.time
    for (const close of [1, 2, 3]) {
      await given().putCandles(minutes.map((time) => candle({ symbol, time, close, revision: close })))
      clock.time += 10
    }
    const series = candle({ symbol })
    assert.equal(await given().pruneRevisions(start + 11), minutes.length)
    const closes = async (asOf?: number) =>
      new Set((await given().candles(series, asOf === undefined ? {} : { asOf })).map(({ close }) => close))
    assert.deepEqual(await closes(), new Set([3]))
    assert.deepEqual(await closes(start + 15), new Set([2]), 'replaced later than that: still known')
    assert.deepEqual(await closes(start + 5), new Set(), 'nobody can say any more')
    assert.equal((await given().revisions(series, T0)).length, 2)
    assert.equal(await given().pruneRevisions(start + 11), 0)
  })

  test('nobody has ever said anything of a candle that is not there', async () => {
    const symbol = freshSymbol()
    assert.deepEqual(await given().revisions(candle({ symbol }), T0), [])
    await given().putCandles([candle({ symbol })])
    for (const time of [T0 + MINUTE, T0 + 1, -MINUTE, 2 ** 52])
      assert.deepEqual(await given().revisions(candle({ symbol }), time), [])
  })
}

/** The model: a row of a higher or equal revision that says something else comes after what was said before. */
function note(said: Map<number, { knownAt: number; candle: Candle }[]>, one: Candle, now: number): void {
  const versions = said.get(one.time) ?? []
  said.set(one.time, versions)
  const last = versions.at(-1)
  if (last && one.revision < last.candle.revision) return
  if (last && one.revision === last.candle.revision && one.close === last.candle.close) return
  versions.push({ candle: one, knownAt: last ? Math.max(now, last.knownAt + 1) : now })
}

export function ledgerCases(given: () => Store): void {
  const row = (fields: Partial<LedgerRow> & { symbol: string }): LedgerRow => ({
    exchange: 'binance',
    day: T0,
    firstId: 17,
    lastId: 2 ** 53 - 1,
    trades: 99,
    rows: 42,
    hash: 'ab'.repeat(32),
    computedAt: T0 + DAY,
    pruned: false,
    ...fields,
  })

  test('ledger rows come back by day, and are replaced', async () => {
    const symbol = freshSymbol()
    const market = { exchange: 'binance', symbol }
    const named = row({ symbol, day: T0 + DAY, firstId: 'x"1', lastId: '9007199254740993' })
    const empty = row({ symbol, day: T0 + 2 * DAY, firstId: undefined, lastId: undefined, trades: 0, rows: 0 })
    await given().putLedger([])
    await given().putLedger([empty, row({ symbol }), row({ symbol: freshSymbol() })])
    await given().putLedger([named])
    assert.deepEqual(await given().ledger(market, { from: 0, to: T0 * 2 }), [row({ symbol }), named, empty])
    assert.deepEqual(await given().ledger(market, { from: T0 + 1, to: T0 + 2 * DAY }), [named])
    const later = row({ symbol, trades: 100, pruned: true })
    await given().putLedger([later])
    assert.deepEqual(await given().ledger(market, { from: T0, to: T0 + DAY }), [later])
    assert.deepEqual(await given().ledger({ exchange: 'bybit', symbol }, { from: 0, to: T0 * 2 }), [])
  })

  test('a ledger row of no day is refused', async () => {
    for (const wrong of [{ day: T0 + 1 }, { trades: 0.5 }, { rows: -1 }])
      await assert.rejects(given().putLedger([row({ symbol: 'X', ...wrong })]), failsWith('INVALID_PARAMETER'))
  })

  test('markets with stored trades are known with their first and last', async () => {
    const [one, two] = [freshSymbol(), freshSymbol()]
    const mine = async () => (await given().tradedMarkets()).filter(({ symbol }) => symbol === one || symbol === two)
    await given().putCandles([candle({ symbol: one })])
    assert.deepEqual(await mine(), [])
    await given().putTrades([7, 3, 5].map((id) => trade({ symbol: one, id, time: T0 + id })))
    await given().putTrades(['b', 'a'].map((id, n) => trade({ symbol: two, id, time: T0 + n })))
    assert.deepEqual(await mine(), [
      { exchange: 'binance', symbol: one, first: T0 + 3, last: T0 + 7 },
      { exchange: 'binance', symbol: two, first: T0, last: T0 + 1 },
    ])
  })
}
