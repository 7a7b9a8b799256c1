import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { ErrorSchema } from '@candlewire/protocol/schemas'
import * as fc from 'fast-check'
import { Check } from 'typebox/value'
import { apiDeps, candle, startApi, T0 } from '../../../test/apiFixture.ts'
import { createViews } from '../api.ts'
import { buildApi } from '../app.ts'

const data = '/api/v1/crypto/BTCUSDT/data'
const json = { 'content-type': 'application/json' }

interface Case {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Record<string, string>
  readonly payload?: string
  readonly status: number
  readonly code: string
}

const get = (status: number, code: string, ...urls: string[]): Case[] => urls.map((url) => ({ url, status, code }))
const post = (status: number, code: string, payload: string, headers: Record<string, string> = json): Case => ({
  method: 'POST',
  url: '/fetch-historical',
  headers,
  payload,
  status,
  code,
})

const cases: Case[] = [
  ...get(400, 'INVALID_PARAMETER', `${data}?interval=`, `${data}?interval=1x`, `${data}?interval=1M1`),
  ...get(
    400,
    'INVALID_PARAMETER',
    `${data}?interval=7m`,
    `${data}?interval=${'1'.repeat(5000)}`,
    `${data}?interval=0m`,
  ),
  ...get(400, 'INVALID_PARAMETER', `${data}?interval=1m&interval=5m`, `${data}?interval=1m%00`),
  ...get(400, 'INVALID_PARAMETER', `${data}?limit=0`, `${data}?limit=-1`, `${data}?limit=1.5`, `${data}?limit=ten`),
  ...get(400, 'INVALID_PARAMETER', `${data}?limit=`, `${data}?limit=1e2`, `${data}?limit=0x10`, `${data}?limit=NaN`),
  ...get(400, 'INVALID_PARAMETER', `${data}?limit=1&limit=2`, `${data}?limit=${'9'.repeat(400)}`, `${data}?limit=%20`),
  ...get(
    400,
    'INVALID_PARAMETER',
    `${data}?start=`,
    `${data}?start=yesterday`,
    `${data}?start=-5`,
    `${data}?start=1e9`,
  ),
  ...get(400, 'INVALID_PARAMETER', `${data}?start=2025-13-01`, `${data}?start=2025-01-20T25:00:00Z`, `${data}?end=1,5`),
  ...get(400, 'INVALID_PARAMETER', `${data}?end=${'9'.repeat(15)}`, `${data}?end=Infinity`, `${data}?start=%00`),
  ...get(
    400,
    'INVALID_PARAMETER',
    `${data}?closed=yes`,
    `${data}?numbers=text`,
    `${data}?closed`,
    '/api/v1/crypto//data',
  ),
  ...get(
    400,
    'INVALID_PARAMETER',
    `/api/v1/crypto/${'X'.repeat(60)}/data`,
    '/api/v1/crypto/%/data',
    '/api/v1/stats/%E0%A4%A',
  ),
  ...get(400, 'INVALID_PARAMETER', `${data}?exchange=${'x'.repeat(30)}`, `${data}?exchange=binance&exchange=bybit`),
  ...get(400, 'INVALID_RANGE', `${data}?start=${T0}&end=${T0 - 1}`, `${data}?start=2025-01-21&end=2025-01-20`),
  ...get(
    404,
    'SYMBOL_NOT_FOUND',
    '/api/v1/crypto/btcusdt/data',
    '/api/v1/crypto/NOPE/latest',
    '/api/v1/stats/__proto__',
  ),
  ...get(404, 'SYMBOL_NOT_FOUND', "/api/v1/crypto/'%3B--/data", '/api/v1/crypto/%00/latest', `${data}?exchange=bybit`),
  ...get(
    404,
    'EXCHANGE_NOT_FOUND',
    `${data}?exchange=nowhere`,
    `${data}?exchange=`,
    '/api/v1/stats/BTCUSDT?exchange=__proto__',
  ),
  ...get(404, 'NO_DATA', '/api/v1/crypto/ETHUSDT/latest', '/api/v1/stats/ETHUSDT'),
  ...get(
    404,
    'NOT_FOUND',
    '/api/v1',
    '/api/v2/stats/BTCUSDT',
    '/nowhere',
    '/..%2f..%2fetc%2fpasswd',
    '/api/v1/crypto/BTCUSDT',
  ),
  ...get(404, 'NOT_FOUND', '/redoc/..%2fpackage.json', '/fetch-historical/x'),
  { method: 'POST', url: data, status: 405, code: 'METHOD_NOT_ALLOWED' },
  { method: 'DELETE', url: '/health', status: 405, code: 'METHOD_NOT_ALLOWED' },
  {
    method: 'PUT',
    url: '/fetch-historical',
    headers: { 'content-type': 'text/xml' },
    payload: '<a/>',
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  {
    method: 'POST',
    url: '/nowhere',
    headers: { 'content-type': 'text/xml' },
    payload: '<a/>',
    status: 404,
    code: 'NOT_FOUND',
  },
  ...get(405, 'METHOD_NOT_ALLOWED', '/fetch-historical'),
  post(400, 'INVALID_PARAMETER', ''),
  post(400, 'INVALID_PARAMETER', '{'),
  post(400, 'INVALID_PARAMETER', 'null'),
  post(400, 'INVALID_PARAMETER', '[]'),
  post(400, 'INVALID_PARAMETER', '"BTCUSDT"'),
  post(400, 'INVALID_PARAMETER', '{}'),
  post(400, 'INVALID_PARAMETER', '{"symbol":5}'),
  post(400, 'INVALID_PARAMETER', '{"symbol":""}'),
  post(400, 'INVALID_PARAMETER', '{"symbol":"BTCUSDT","lookback_hours":0}'),
  post(400, 'INVALID_PARAMETER', '{"symbol":"BTCUSDT","lookback_hours":8761}'),
  post(400, 'INVALID_PARAMETER', '{"symbol":"BTCUSDT","lookback_hours":"24"}'),
  post(400, 'INVALID_PARAMETER', '{"symbol":"BTCUSDT","lookback_hours":1.5}'),
  post(400, 'INVALID_PARAMETER', '{"symbol":"BTCUSDT","timeframe":"7m"}'),
  post(400, 'INVALID_PARAMETER', '{"symbol":"BTCUSDT","timeframe":null}'),
  post(400, 'INVALID_PARAMETER', '{"__proto__":{"symbol":"BTCUSDT"}}'),
  post(404, 'SYMBOL_NOT_FOUND', '{"symbol":"NOPE"}'),
  post(404, 'EXCHANGE_NOT_FOUND', '{"symbol":"BTCUSDT","exchange":"nowhere"}'),
  post(413, 'PAYLOAD_TOO_LARGE', `{"symbol":"${'x'.repeat(1024 * 1024)}"}`),
  post(415, 'UNSUPPORTED_MEDIA_TYPE', 'symbol=BTCUSDT', { 'content-type': 'application/x-www-form-urlencoded' }),
  post(415, 'UNSUPPORTED_MEDIA_TYPE', '{"symbol":"BTCUSDT"}', { 'content-type': 'text/plain' }),
  post(415, 'UNSUPPORTED_MEDIA_TYPE', '{"symbol":"BTCUSDT"}', { 'content-type': 'nonsense' }),
]

test('every bad request is answered with its code', async (t) => {
  const deps = await apiDeps(t, { now: () => T0 })
  await deps.store.putCandles([candle(T0)])
  const app = await buildApi(deps, createViews(deps))
  t.after(() => app.close())
  for (const { method = 'GET', url, headers = {}, payload, status, code } of cases) {
    const answer = await app.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
    const name = `${method} ${url.slice(0, 90)} ${payload?.slice(0, 60) ?? ''}: ${answer.body.slice(0, 200)}`
    assert.equal(answer.statusCode, status, name)
    assert.ok(Check(ErrorSchema, answer.json()), name)
    assert.equal(answer.json().error.code, code, name)
    assert.ok(!/node_modules|\.ts:\d/.test(answer.body), name)
    if (status === 405) assert.ok(answer.headers.allow, name)
  }
  assert.equal((await app.inject({ url: data })).statusCode, 200, 'normal service goes on')
})

test('no query makes the candle route fail', async (t) => {
  const deps = await apiDeps(t, { now: () => T0 })
  const app = await buildApi(deps, createViews(deps))
  t.after(() => app.close())
  const name = fc.constantFrom('interval', 'limit', 'start', 'end', 'closed', 'numbers', 'exchange', '__proto__')
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.integer().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom('1m', '1M', 'true', 'string', '0', '-0', '8640000000000001', '2025-01-20'),
  )
  const parts = fc.array(fc.tuple(name, value), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(parts, async (pairs) => {
      const query = pairs.map(([key, text]) => `${key}=${encodeURIComponent(text.toWellFormed())}`).join('&')
      const answer = await app.inject({ url: `${data}?${query}` })
      assert.ok([200, 400, 404].includes(answer.statusCode), `${query}: ${answer.body}`)
      assert.equal(answer.json().success, answer.statusCode === 200)
    }),
    { numRuns: 500 },
  )
})

test('what is no HTTP at all is refused, and service goes on', async (t) => {
  const api = await startApi(t)
  const { port, hostname } = new URL(api.url)
  const speak = async (bytes: string | Buffer): Promise<string> => {
    const socket = connect(Number(port), hostname)
    socket.write(bytes)
    return text(socket)
  }
  const cases: [string | Buffer, number][] = [
    ['hello\r\n\r\n', 400],
    [Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]), 400],
    [`GET /${'x'.repeat(40_000)} HTTP/1.1\r\n\r\n`, 431],
    ['GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n', 400],
  ]
  for (const [bytes, status] of cases) {
    const answer = await speak(bytes)
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
    assert.ok(Check(ErrorSchema, JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))), answer)
  }
  assert.equal((await fetch(`${api.url}/health`)).status, 200)
})
