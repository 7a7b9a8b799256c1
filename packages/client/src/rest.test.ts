import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createRestClient } from './rest.ts'
import { RestError } from './rest-error.ts'

async function restServer(t: TestContext, answer: (url: string, response: ServerResponse) => void) {
  const server = createServer((request, response) => answer(request.url ?? '', response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return createRestClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })
}

const json = (response: ServerResponse, body: unknown, status = 200, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

const row = { time: '2025-01-20T10:30:00Z', open: 1, high: 2, low: 1, close: 2, volume: 0.5 }

test('candles() asks for what it was told and unwraps the envelope', async (t) => {
  const urls: string[] = []
  const rest = await restServer(t, (url, response) => {
    urls.push(url)
    json(response, {
      success: true,
      data: { symbol: 'BTC/USDT', interval: '1m', data: [row], meta: { gaps: [] } },
      timestamp: row.time,
    })
  })
  const candles = await rest.candles('BTC/USDT', { interval: '1m', limit: 5, closed: true })
  assert.deepEqual(candles.data, [row])
  assert.deepEqual(urls, ['/api/v1/crypto/BTC%2FUSDT/data?interval=1m&limit=5&closed=true'])
})

test("a refusal carries the server's code, details and wait", async (t) => {
  const rest = await restServer(t, (_url, response) =>
    json(
      response,
      { success: false, error: { code: 'RATE_LIMITED', message: 'Slower', details: { limit: 5 } }, timestamp: '' },
      429,
      { 'retry-after': '7' },
    ),
  )
  await assert.rejects(rest.stats('BTCUSDT'), (error) => {
    assert.ok(error instanceof RestError)
    const { code, status, message, details, retryAfterMs } = error
    assert.deepEqual(
      { code, status, message, details, retryAfterMs },
      { code: 'RATE_LIMITED', status: 429, message: 'Slower', details: { limit: 5 }, retryAfterMs: 7000 },
    )
    return true
  })
})

test('answers that are something else are errors with a code', async (t) => {
  const rest = await restServer(t, (url, response) => {
    if (url.includes('latest')) response.writeHead(502).end('<html>')
    else if (url === '/health') response.end('not JSON')
    else json(response, { success: true, data: { symbol: 1 } })
  })
  await assert.rejects(rest.latest('BTCUSDT'), { code: 'HTTP_502', status: 502 })
  await assert.rejects(rest.health(), { code: 'BAD_ANSWER' })
  await assert.rejects(rest.candles('BTCUSDT'), { code: 'BAD_ANSWER' })
})

test('ready() reads a 503 as the answer it is', async (t) => {
  const body = { status: 'error', timestamp: row.time, checks: { store: { status: 'error' } } }
  const rest = await restServer(t, (_url, response) => json(response, body, 503))
  assert.deepEqual(await rest.ready(), body)
})

test('nobody there is UNREACHABLE, an aborted call rejects with its reason', async (t) => {
  const nowhere = createRestClient({ baseUrl: 'http://127.0.0.1:1' })
  await assert.rejects(nowhere.health(), { code: 'UNREACHABLE', status: 0 })
  const asked = Promise.withResolvers<void>()
  const rest = await restServer(t, () => asked.resolve())
  const stop = new AbortController()
  const call = rest.health({ signal: stop.signal })
  await asked.promise
  stop.abort(new Error('page left'))
  await assert.rejects(call, /page left/)
})
