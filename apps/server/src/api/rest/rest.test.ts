import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import * as schemas from '@candlewire/protocol/schemas'
import { Check } from 'typebox/value'
import { apiDeps, type Change, candle, covered, MINUTE, T0, trade } from '../../../test/apiFixture.ts'
import { until } from '../../../test/until.ts'
import { failure } from '../../lib/failure.ts'
import { createViews } from '../api.ts'
import { buildApi } from '../app.ts'
import { isoTime } from '../text.ts'

async function open(t: TestContext, change: Change = {}) {
  const deps = await apiDeps(t, { now: () => T0 + 10 * MINUTE, ...change })
  const views = createViews(deps)
  const app = await buildApi(deps, views)
  t.after(() => app.close())
  const get = async (url: string) => {
    const answer = await app.inject({ url })
    return { status: answer.statusCode, body: answer.json(), headers: answer.headers, text: answer.body }
  }
  return { ...deps, views, app, get }
}

test('candles have the shape of the source, ascending, the forming one last', async (t) => {
  const { store, views, app, get } = await open(t)
  await store.putCandles([candle(T0), candle(T0 + MINUTE, { close: 45060 })])
  views.state.takeCandle(candle(T0 + 2 * MINUTE, { closed: false, close: 45070 }))
  const { status, body, text } = await get('/api/v1/crypto/BTCUSDT/data?interval=1m')
  assert.equal(status, 200)
  assert.ok(Check(schemas.success(schemas.CandlesSchema), body))
  assert.deepEqual(body.data.data[0], {
    time: '2025-01-20T10:30:00Z',
    open: 45000,
    high: 45100.5,
    low: 44900,
    close: 45050.25,
    volume: 1.5,
  })
  assert.deepEqual(
    body.data.data.map((row: { close: number }) => row.close),
    [45050.25, 45060, 45070],
  )
  assert.ok(text.startsWith('{"success":true,"data":{"symbol":"BTCUSDT","interval":"1m","data":['))
  const head = await app.inject({ method: 'HEAD', url: '/api/v1/crypto/BTCUSDT/data' })
  assert.deepEqual([head.statusCode, head.body, head.headers['content-length']], [200, '', String(text.length)])
  assert.equal(head.headers['access-control-allow-origin'], '*')
  assert.match(String(head.headers['content-security-policy']), /default-src 'self'/)
  const closed = await get('/api/v1/crypto/BTC-USDT/data?closed=true')
  assert.equal(closed.body.data.data.length, 2)
  const strings = await get('/api/v1/crypto/BTC%2FUSDT/data?numbers=string&limit=1&closed=true')
  assert.ok(Check(schemas.success(schemas.CandlesTextSchema), strings.body))
  assert.equal(strings.body.data.data[0]?.close, '45060')
})

test('bounds are inclusive and limit is clamped', async (t) => {
  const { store, get } = await open(t, { now: () => T0 + 3000 * MINUTE })
  await store.putCandles(Array.from({ length: 1500 }, (_, n) => candle(T0 + n * MINUTE)))
  const times = async (query: string): Promise<string[]> =>
    (await get(`/api/v1/crypto/BTCUSDT/data?${query}`)).body.data.data.map((row: { time: string }) => row.time)
  const iso = (n: number) => isoTime(T0 + n * MINUTE)
  assert.equal((await times('limit=5000')).length, 1000)
  assert.equal((await times('')).length, 100)
  assert.deepEqual(await times(`start=${T0}&end=${T0 + 2 * MINUTE}`), [iso(0), iso(1), iso(2)])
  assert.deepEqual(await times(`start=${T0 / 1000}&limit=2`), [iso(0), iso(1)])
  assert.deepEqual(await times(`end=${iso(9)}&limit=2`), [iso(8), iso(9)])
  assert.deepEqual(await times(`start=${iso(5)}&end=${iso(5)}`), [iso(5)])
  assert.deepEqual(await times('start=2030-01-01'), [])
  assert.deepEqual(await times('end=2020-01-01T00:00:00Z'), [])
})

test('a quiet minute is flat, an outage is a gap', async (t) => {
  const { store, get } = await open(t)
  await store.putCandles([candle(T0), candle(T0 + 3 * MINUTE), candle(T0 + 6 * MINUTE)])
  await store.cover([covered(T0, T0 + 5 * MINUTE), covered(T0 + 5 * MINUTE, T0 + 5.5 * MINUTE, 'unknown')])
  const { body } = await get('/api/v1/crypto/BTCUSDT/data')
  const rows: { time: string; volume: number; open: number }[] = body.data.data
  assert.deepEqual(
    rows.map((row) => [row.time.slice(14, 16), row.volume]),
    [
      ['30', 1.5],
      ['31', 0],
      ['32', 0],
      ['33', 1.5],
      ['34', 0],
      ['36', 1.5],
    ],
  )
  assert.equal(rows[1]!.open, 45050.25)
  assert.deepEqual(body.data.meta.gaps, [
    { from: '2025-01-20T10:35:00Z', to: '2025-01-20T10:35:30Z', status: 'unknown' },
    { from: '2025-01-20T10:35:30Z', to: '2025-01-20T10:36:00Z', status: 'missing' },
    { from: '2025-01-20T10:37:00Z', to: '2025-01-20T10:39:00Z', status: 'missing' },
  ])
})

test('a minute whose close is still to come is shown as it is, not as a quiet one', async (t) => {
  const { store, views, get } = await open(t, { now: () => T0 + 2 * MINUTE + 1_000 })
  await store.putCandles([candle(T0)])
  await store.cover([covered(T0, T0 + 2 * MINUTE + 500)])
  const closes = async () => {
    const { body } = await get('/api/v1/crypto/BTCUSDT/data')
    assert.deepEqual(body.data.meta.gaps, [])
    return body.data.data.map((row: { time: string; close: number }) => [row.time.slice(14, 16), row.close])
  }
  assert.deepEqual(await closes(), [['30', 45050.25]], 'nobody knows yet what traded at :31')
  views.state.takeCandle(candle(T0 + MINUTE, { closed: false, close: 3 }))
  const first = [
    ['30', 45050.25],
    ['31', 3],
  ]
  assert.deepEqual(await closes(), first)
  views.state.takeCandle(candle(T0 + 2 * MINUTE, { closed: false, close: 4 }))
  assert.deepEqual(await closes(), [...first, ['32', 4]])
  views.state.takeCandle(candle(T0 + MINUTE, { closed: true, close: 3.5 }))
  views.cache.invalidate(candle(T0 + MINUTE), { from: T0 + MINUTE, to: T0 + 2 * MINUTE })
  assert.deepEqual(await closes(), [first[0], ['31', 3.5], ['32', 4]])
})

test('an outage that began in the middle of a minute is a gap', async (t) => {
  const { store, views, get } = await open(t)
  await store.putCandles([candle(T0)])
  await store.cover([covered(T0, T0 + 1.5 * MINUTE)])
  views.state.takeCandle(candle(T0 + MINUTE, { closed: false }))
  const { body } = await get('/api/v1/crypto/BTCUSDT/data')
  assert.equal(body.data.data.length, 2)
  assert.deepEqual(body.data.meta.gaps, [
    { from: '2025-01-20T10:32:00Z', to: '2025-01-20T10:39:00Z', status: 'missing' },
  ])
})

test('where smaller candles traded and the larger one was never made, nothing is flat', async (t) => {
  const { store, get } = await open(t, { now: () => T0 + 30 * MINUTE })
  await store.putCandles([
    candle(T0, { timeframe: '5m' }),
    candle(T0 + 7 * MINUTE),
    candle(T0 + 15 * MINUTE, { timeframe: '5m' }),
  ])
  await store.cover([{ ...covered(T0, T0 + 20 * MINUTE), series: '1m' }])
  const { body } = await get(`/api/v1/crypto/BTCUSDT/data?interval=5m&start=${T0}&end=${T0 + 19 * MINUTE}`)
  const times = body.data.data.map((row: { time: string }) => Date.parse(row.time) - T0)
  assert.deepEqual(times, [0, 15 * MINUTE])
  assert.deepEqual(body.data.meta.gaps, [
    { from: isoTime(T0 + 5 * MINUTE), to: isoTime(T0 + 15 * MINUTE), status: 'missing' },
  ])
})

test('a timeframe that is not kept is rolled up from one that is', async (t) => {
  const { store, views, get } = await open(t)
  await store.putCandles(Array.from({ length: 9 }, (_, n) => candle(T0 + n * MINUTE, { close: 45000 + n })))
  views.state.takeCandle(candle(T0 + 9 * MINUTE, { closed: false, close: 46000, high: 46000 }))
  const { body } = await get('/api/v1/crypto/BTCUSDT/data?interval=2m&limit=3')
  assert.deepEqual(
    body.data.data.map((row: { close: number; volume: number }) => [row.close, row.volume]),
    [
      [45005, 3],
      [45007, 3],
      [46000, 3],
    ],
  )
  const refused = await get('/api/v1/crypto/BTCUSDT/data?interval=7s')
  assert.equal(refused.body.error.code, 'INVALID_PARAMETER')
})

test('the last price is the last trade, else the ticker, else the last close', async (t) => {
  const { store, views, get } = await open(t)
  const latest = () => get('/api/v1/crypto/BTCUSDT/latest')
  assert.equal((await latest()).body.error.code, 'NO_DATA')
  assert.equal((await get('/api/v1/stats/BTCUSDT')).body.error.code, 'NO_DATA')
  await store.putCandles([candle(T0)])
  assert.deepEqual((await latest()).body.data.price, 45050.25)
  views.state.takeTicker({ exchange: 'binance', symbol: 'BTCUSDT' }, { price: 7, time: T0 })
  assert.equal((await latest()).body.data.price, 7)
  views.state.takeTrade(trade(1), trade(1))
  const { body } = await latest()
  assert.deepEqual(body.data, { symbol: 'BTCUSDT', price: 45001, timestamp: '2025-01-20T10:30:00.001Z' })
})

test('the rolling day', async (t) => {
  const { store, views, get } = await open(t)
  await store.putCandles([
    candle(T0 - 25 * 60 * MINUTE, { high: 99999 }),
    candle(T0, { open: 44000, high: 46000 }),
    candle(T0 + MINUTE, { low: 43000, volume: 2 }),
  ])
  views.state.takeCandle(candle(T0 + 10 * MINUTE, { closed: false, close: 45012.3, volume: 0.1 }))
  const { body } = await get('/api/v1/stats/BTCUSDT')
  assert.ok(Check(schemas.success(schemas.DayStatsSchema), body))
  assert.deepEqual(body.data, {
    symbol: 'BTCUSDT',
    high_24h: 46000,
    low_24h: 43000,
    change_24h: 2.3007,
    volume_24h: 3.6,
  })
})

test('health, readiness, statistics, metrics', async (t) => {
  const { views, get, app, store } = await open(t)
  const health = await get('/health')
  assert.ok(Check(schemas.HealthSchema, health.body))
  assert.equal(health.body.status, 'ok')
  views.board.take({ exchange: 'binance', symbol: 'BTCUSDT', state: 'down', reason: 'socket lost', time: T0 })
  assert.equal((await get('/health')).body.checks.binance.status, 'error')
  assert.equal((await get('/health')).body.status, 'degraded')
  assert.ok(Check(schemas.ReadySchema, (await get('/ready')).body))
  assert.ok(Check(schemas.StatsSchema, (await get('/stats')).body))
  assert.ok(Check(schemas.WsStatsSchema, (await get('/ws/stats')).body))
  const metrics = await app.inject({ url: '/metrics' })
  assert.match(metrics.body, /candlewire_websocket_clients 0/)
  assert.match(String(metrics.headers['content-type']), /text\/plain/)
  await store.close()
  const down = await get('/ready')
  assert.deepEqual([down.status, down.body.checks.store.status], [503, 'error'])
  const candles = await get('/api/v1/crypto/BTCUSDT/data')
  assert.deepEqual([candles.status, candles.body.error.code], [503, 'STORE_UNAVAILABLE'])
  assert.ok(candles.headers['retry-after'])
})

test('a late event loop refuses requests, but health and metrics still answer', async (t) => {
  const { app, get } = await open(t, { options: { maxLoopDelay: Number.MIN_VALUE } })
  // Timers are never early, so any sample of the loop is later than this; the first is taken within half a second.
  await until('a refusal', async () => (await get('/api/v1/crypto/BTCUSDT/data')).status === 503)
  const { status, body } = await get('/health')
  assert.deepEqual([status, body.status, body.checks.event_loop.status], [200, 'degraded', 'error'])
  assert.match(body.checks.event_loop.message, /the event loop is .* late/)
  assert.ok(Check(schemas.HealthSchema, body))
  assert.equal((await app.inject({ url: '/metrics' })).statusCode, 200)
  const ready = await get('/ready')
  assert.deepEqual([ready.status, ready.body.checks.event_loop.status], [503, 'error'])
  assert.ok(Check(schemas.ReadySchema, ready.body))
})

test('a fetch of history answers with its plan, or waits', async (t) => {
  const { app } = await open(t, {
    backend: {
      fetchHistorical: async (request) => ({
        ...request,
        jobId: 'j',
        missing: [],
        requestsPlanned: 1,
        estimatedSeconds: 1,
        window: 'IMMEDIATE',
        delaySeconds: 0,
        done:
          request.symbol === 'ETHUSDT'
            ? Promise.reject(failure('EXCHANGE_LIMITED', { exchange: 'binance', untilMs: T0 + 11 * MINUTE }))
            : Promise.resolve(),
      }),
    },
  })
  const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })
  const plan = await post('/fetch-historical', { symbol: 'BTCUSDT', timeframe: '1m', lookback_hours: 24 })
  assert.equal(plan.statusCode, 202)
  assert.ok(Check(schemas.success(schemas.FetchPlanSchema), plan.json()))
  assert.equal((await post('/fetch-historical?wait=true', { symbol: 'BTCUSDT' })).statusCode, 200)
  const failed = await post('/fetch-historical?wait=true', { symbol: 'ETHUSDT' })
  assert.equal(failed.statusCode, 503)
  assert.equal(failed.json().error.code, 'EXCHANGE_UNAVAILABLE')
  assert.equal(failed.headers['retry-after'], '60')
  assert.equal((await post('/fetch-historical', { symbol: 'ETHUSDT' })).statusCode, 202)
})

test('documentation covers every route and needs no network', async (t) => {
  const { app, get } = await open(t)
  const { body } = await get('/openapi.json')
  assert.equal(body.openapi, '3.1.0')
  const paths = [
    '/api/v1/crypto/{symbol}/data',
    '/api/v1/crypto/{symbol}/latest',
    '/api/v1/explain/candle/{exchange}/{symbol}/{timeframe}/{time}',
    '/api/v1/ledger/{symbol}',
    '/api/v1/stats/{symbol}',
    '/fetch-historical',
    '/health',
    '/metrics',
    '/ready',
    '/stats',
    '/ws/stats',
  ]
  assert.deepEqual(Object.keys(body.paths).sort(), paths)
  for (const url of [
    '/docs',
    '/docs/',
    '/docs/static/swagger-ui-bundle.js',
    '/redoc',
    '/redoc/redoc.standalone.js',
    '/',
  ]) {
    const page = await app.inject({ url })
    assert.equal(page.statusCode, 200, url)
    const outside = /(src|href)="https?:/.exec(page.body.slice(0, 5000))
    assert.ok(!String(page.headers['content-type']).includes('html') || !outside, `${url} loads from outside`)
  }
  assert.equal((await app.inject({ url: '/redoc/redoc.lib.js' })).statusCode, 404)
})

test('traded, quiet and unknown stretches can be told apart, and a trade without its candle is never papered over', async (t) => {
  const { store, get } = await open(t, { now: () => T0 + 60 * MINUTE })
  const at = (minute: number) => T0 + minute * MINUTE
  await store.putCandles([candle(at(0)), candle(at(7)), candle(at(12))])
  await store.cover([covered(at(0), at(4)), covered(at(4), at(6), 'unknown'), covered(at(6), at(13))])
  await store.putTrades([trade(9, { time: at(10) + 5 })])
  const range = `start=${at(0)}&end=${at(12)}`
  const { body } = await get(`/api/v1/crypto/BTCUSDT/data?${range}`)
  assert.ok(Check(schemas.success(schemas.CandlesSchema), body))
  const { data, meta } = body.data
  assert.deepEqual(
    data.map(({ time }: { time: string }) => (Date.parse(time) - T0) / MINUTE),
    [0, 1, 2, 3, 7, 8, 9, 12],
  )
  const stretch = (from: number, to: number) => ({ from: isoTime(at(from)), to: isoTime(at(to)) })
  assert.deepEqual(meta.quiet, [stretch(1, 4), stretch(8, 10)])
  assert.deepEqual(meta.gaps, [
    { ...stretch(4, 6), status: 'unknown' },
    { ...stretch(10, 12), status: 'missing' },
  ])
})
