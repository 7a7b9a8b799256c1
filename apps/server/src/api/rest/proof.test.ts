import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import * as schemas from '@candlewire/protocol/schemas'
import { Check } from 'typebox/value'
import { apiDeps, type Change, candle, covered, MINUTE, T0, trade } from '../../../test/apiFixture.ts'
import { foldDay } from '../../domain/ledger.ts'
import { DAY } from '../../domain/timeframe.ts'
import { createViews } from '../api.ts'
import { buildApi } from '../app.ts'
import { isoTime } from '../text.ts'

const NOW = T0 + 10 * MINUTE
const TODAY = Math.floor(T0 / DAY) * DAY

async function open(t: TestContext, change: Change = {}) {
  const deps = await apiDeps(t, { now: () => NOW, ...change })
  const app = await buildApi(deps, createViews(deps))
  t.after(() => app.close())
  const get = async (url: string) => {
    const answer = await app.inject({ url })
    return { status: answer.statusCode, body: answer.json() }
  }
  return { ...deps, get }
}

test('as_of: each candle as it was known then, later ones absent and named as gaps', async (t) => {
  const { store, get } = await open(t, { now: Date.now })
  const put = async (...list: ReturnType<typeof candle>[]) => {
    await store.putCandles(list)
    const [last] = list
    return (await store.revisions(last!, last!.time)).at(-1)!.knownAt
  }
  const first = await put(candle(T0), candle(T0 + 2 * MINUTE))
  const second = await put(candle(T0, { revision: 1, close: 45_001 }))
  let third = 0
  // The store's clock is the real one: another candle may fall on the same ms.
  for (let n = 1; third <= second; n++) third = await put(candle(T0 + MINUTE, { close: 45_001 + n }))
  const at = async (asOf: number | string, more = '') =>
    (await get(`/api/v1/crypto/BTCUSDT/data?start=${T0}&end=${T0 + 2 * MINUTE}&as_of=${asOf}${more}`)).body
  const closes = async (asOf: number | string) => (await at(asOf)).data.data.map((row: { close: number }) => row.close)
  assert.ok(Check(schemas.success(schemas.CandlesSchema), await at(first)))
  assert.deepEqual(await closes(first), [45050.25, 45050.25])
  assert.equal((await closes(second))[0], 45_001)
  assert.deepEqual((await at(first)).data.meta.gaps, [
    { from: isoTime(T0 + MINUTE), to: isoTime(T0 + 2 * MINUTE), status: 'missing' },
  ])
  assert.deepEqual(await closes(first - 1), [])
  assert.equal((await closes(third)).length, 3)
  assert.deepEqual((await at(third)).data.meta.gaps, [])
  const now = (await get(`/api/v1/crypto/BTCUSDT/data?start=${T0}&end=${T0 + 2 * MINUTE}`)).body.data
  assert.deepEqual((await at('2100-01-01')).data, now)
  assert.equal((await at(first, '&numbers=string')).data.data[0].close, '45050.25')
  assert.equal((await at('yesterday')).error.code, 'INVALID_PARAMETER')
  assert.equal((await at(first, '&interval=2m')).error.code, 'INVALID_PARAMETER')
})

test('the ledger shows finished days as stored and the running one as it is', async (t) => {
  const { store, get } = await open(t)
  const market = { exchange: 'binance', symbol: 'BTCUSDT' }
  const hash = 'ab'.repeat(32)
  const stored = { ...market, day: TODAY - 3 * DAY, firstId: 1, lastId: 9, trades: 9, rows: 4, hash }
  await store.putLedger([{ ...stored, computedAt: TODAY, pruned: true }])
  const trades = [trade(11), trade(12, { count: 3 }), trade(15, { time: T0 + 4 * MINUTE })]
  await store.putTrades([...trades, trade(10, { time: TODAY - 1 })])
  await store.cover([covered(T0, T0 + 5 * MINUTE), covered(T0 + 5 * MINUTE, T0 + 7 * MINUTE, 'quiet')])
  const { status, body } = await get('/api/v1/ledger/BTC-USDT')
  assert.equal(status, 200)
  assert.ok(Check(schemas.success(schemas.LedgerSchema), body))
  const [old, yesterday, today] = body.data.days
  assert.deepEqual(old, {
    day: '2025-01-17',
    status: 'final',
    first_id: 1,
    last_id: 9,
    trades: 9,
    rows: 4,
    hash,
    computed_at: isoTime(TODAY),
    trades_kept: false,
    intervals: [{ from: '2025-01-17T00:00:00Z', to: '2025-01-18T00:00:00Z', state: 'unknown' }],
  })
  assert.deepEqual([yesterday?.status, yesterday?.trades, yesterday?.first_id], ['running', 1, 10])
  const fold = await foldDay(TODAY, (range) => store.trades(market, range))
  assert.deepEqual(today, {
    day: '2025-01-20',
    status: 'running',
    first_id: 11,
    last_id: 15,
    trades: 5,
    rows: 3,
    hash: fold.hash,
    computed_at: isoTime(NOW),
    trades_kept: true,
    intervals: [
      { from: '2025-01-20T00:00:00Z', to: isoTime(T0), state: 'unknown' },
      { from: isoTime(T0), to: isoTime(T0 + 5 * MINUTE), state: 'complete' },
      { from: isoTime(T0 + 5 * MINUTE), to: isoTime(T0 + 7 * MINUTE), state: 'quiet' },
      { from: isoTime(T0 + 7 * MINUTE), to: isoTime(NOW), state: 'unknown' },
    ],
  })
  const days = async (query: string) =>
    (await get(`/api/v1/ledger/BTCUSDT?${query}`)).body.data.days.map(({ day }: { day: string }) => day)
  assert.deepEqual(await days('day=2025-01-17T12:00:00Z'), ['2025-01-17'])
  assert.deepEqual(await days('from=2025-01-18'), ['2025-01-19', '2025-01-20'])
  assert.deepEqual(await days('from=2025-01-10&to=2025-01-19'), ['2025-01-17', '2025-01-19'])
  assert.deepEqual(await days('day=2030-01-01'), [])
})

test('a candle is explained: revisions, trades, children, coverage, jobs', async (t) => {
  const { store, get } = await open(t)
  await store.putCandles([candle(T0)])
  await store.putCandles([candle(T0, { revision: 1, close: 45_060, trades: 11, source: 'backfill' })])
  await store.putTrades([trade(1), trade(2, { count: 3 }), trade(9, { time: T0 + MINUTE })])
  await store.cover([covered(T0, T0 + MINUTE)])
  const job = { exchange: 'binance', symbol: 'BTCUSDT', timeframe: '1m', from: T0 - MINUTE, to: T0 + MINUTE }
  const more = {
    state: 'done',
    cursor: T0,
    requestsPlanned: 1,
    requestsDone: 1,
    candlesWritten: 2,
    errors: [],
  } as const
  await store.putJob({ id: 'it', ...job, ...more, createdAt: T0, updatedAt: T0 })
  await store.putJob({ id: 'other', ...job, ...more, to: T0, createdAt: T0, updatedAt: T0 })
  const { status, body } = await get(`/api/v1/explain/candle/binance/BTCUSDT/1m/${T0 + 17}`)
  assert.equal(status, 200)
  assert.ok(Check(schemas.success(schemas.ExplanationSchema), body))
  const { revisions, ...rest } = body.data
  assert.deepEqual(rest, {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    timeframe: '1m',
    from: isoTime(T0),
    to: isoTime(T0 + MINUTE),
    source: 'backfill',
    revision: 1,
    trades: { read_from: 'trades', first_id: 1, last_id: 4, count: 4, rows: 2 },
    rolled_up_from: rest.rolled_up_from,
    coverage: [{ series: 'trades', from: isoTime(T0), to: isoTime(T0 + MINUTE), state: 'complete' }],
    jobs: [
      {
        id: 'it',
        state: 'done',
        from: isoTime(T0 - MINUTE),
        to: isoTime(T0 + MINUTE),
        created_at: isoTime(T0),
        updated_at: isoTime(T0),
      },
    ],
  })
  assert.deepEqual(
    revisions.map(({ revision, close, changed }: Record<string, unknown>) => [revision, close, changed]),
    [
      [0, '45050.25', []],
      [
        1,
        '45060',
        [
          { field: 'close', before: '45050.25', after: '45060' },
          { field: 'trades', before: '10', after: '11' },
          { field: 'source', before: 'trades', after: 'backfill' },
        ],
      ],
    ],
  )
  assert.ok((revisions[0]?.known_at ?? '') < (revisions[1]?.known_at ?? ''))
})

test('a candle of the exchange has no children; one of a day takes its trades from the ledger', async (t) => {
  const { store, get } = await open(t)
  const day = TODAY - DAY
  await store.putCandles([candle(day, { timeframe: '1h' }), candle(day + 60 * MINUTE, { timeframe: '1h' })])
  await store.cover([{ ...covered(day, day + 60 * MINUTE), series: '1h' }])
  const children = async (time: number) =>
    (await get(`/api/v1/explain/candle/binance/BTCUSDT/1h/${time}`)).body.data.rolled_up_from
  assert.equal(await children(day), null)
  assert.notEqual(await children(day + 60 * MINUTE), null)
  const market = { exchange: 'binance', symbol: 'BTCUSDT' }
  const row = { ...market, day, firstId: 5, lastId: 99, trades: 95, rows: 20, hash: 'ff', computedAt: T0, pruned: true }
  await store.putLedger([row])
  await store.putCandles([candle(day, { timeframe: '1d' })])
  const { body } = await get('/api/v1/explain/candle/binance/BTCUSDT/1d/2025-01-19')
  assert.deepEqual(body.data.trades, { read_from: 'ledger', first_id: 5, last_id: 99, count: 95, rows: 20 })
})

test('bad input of the proof routes answers with codes', async (t) => {
  const { get } = await open(t)
  const cases: [url: string, status: number, code: string][] = [
    ['/api/v1/ledger/NOPE', 404, 'SYMBOL_NOT_FOUND'],
    ['/api/v1/ledger/BTCUSDT?exchange=nowhere', 404, 'EXCHANGE_NOT_FOUND'],
    ['/api/v1/ledger/BTCUSDT?day=someday', 400, 'INVALID_PARAMETER'],
    ['/api/v1/ledger/BTCUSDT?day=2025-01-20&from=2025-01-19', 400, 'INVALID_PARAMETER'],
    ['/api/v1/ledger/BTCUSDT?from=2024-01-01', 400, 'INVALID_PARAMETER'],
    ['/api/v1/ledger/BTCUSDT?from=2025-01-20&to=2025-01-19', 400, 'INVALID_RANGE'],
    ['/api/v1/explain/candle/nowhere/BTCUSDT/1m/0', 404, 'EXCHANGE_NOT_FOUND'],
    ['/api/v1/explain/candle/binance/NOPE/1m/0', 404, 'SYMBOL_NOT_FOUND'],
    ['/api/v1/explain/candle/binance/BTCUSDT/1x/0', 400, 'INVALID_PARAMETER'],
    ['/api/v1/explain/candle/binance/BTCUSDT/1m/soon', 400, 'INVALID_PARAMETER'],
    ['/api/v1/explain/candle/binance/BTCUSDT/1m/0', 404, 'NOT_FOUND'],
    ['/api/v1/explain/candle/binance/BTCUSDT', 404, 'NOT_FOUND'],
  ]
  for (const [url, status, code] of cases) {
    const answer = await get(url)
    assert.deepEqual([url, answer.status, answer.body.error.code], [url, status, code])
  }
})
