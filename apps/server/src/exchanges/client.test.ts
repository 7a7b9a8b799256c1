import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { isFailure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { binance } from './binance/index.ts'
import { createRestClient, type RestClientSettings } from './client.ts'
import type { Exchange, RestRequest } from './exchange.ts'

type Handle = (request: IncomingMessage, response: ServerResponse, n: number) => void

const ok = (response: ServerResponse, body: unknown = { serverTime: 1 }, headers: Record<string, string> = {}) =>
  response.writeHead(200, headers).end(typeof body === 'string' ? body : JSON.stringify(body))

/** A server on a local socket; `n` counts its requests from 1. */
async function serve(t: TestContext, handle: Handle) {
  const seen: { url: string; at: number; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', at: Date.now(), headers: request.headers })
    handle(request, response, seen.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  return { url: `http://127.0.0.1:${address.port}/`, seen }
}

const client = (url: string, settings: Partial<RestClientSettings> = {}) =>
  createRestClient({ exchange: binance, url, log: silent, metrics: createMetrics(), backoffMs: 1, ...settings })

const windowed = (weightWindowMs: number, weight: number): Exchange => ({
  ...binance,
  limits: { ...binance.limits, weight, weightWindowMs },
})

const asking = (path: string, weight = 1): RestRequest<unknown> => ({ path, query: {}, weight, read: (body) => body })

async function code(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return isFailure(error) ? error.code : String(error)
  }
}

test('asks and reads', async (t) => {
  const { url, seen } = await serve(t, (_, response) => ok(response, [], { 'x-mbx-used-weight-1m': '70' }))
  const rest = client(url)
  assert.deepEqual(await rest.ask(binance.rest.recentTrades({ symbol: '币USDT', limit: 5 })), [])
  assert.equal(seen[0]?.url, '/api/v3/trades?symbol=%E5%B8%81USDT&limit=5')
  assert.deepEqual(rest.usage(), {
    used: 70,
    limit: 5400,
    blockedUntil: 0,
    consecutiveLimits: 0,
    breaker: 'closed',
    requests: 1,
    failures: 0,
  })
})

test('retries what may heal: a busy exchange, a lost connection', async (t) => {
  const { url, seen } = await serve(t, (request, response, n) => {
    if (n === 1) response.writeHead(503).end('<html>')
    else if (n === 2) request.socket.destroy()
    else ok(response)
  })
  const rest = client(url)
  assert.equal(await rest.ask(binance.rest.time()), 1)
  assert.equal(seen.length, 3)
  assert.deepEqual([rest.usage().requests, rest.usage().failures], [3, 2])
})

test('gives up after four attempts, and says what the exchange said', async (t) => {
  const { url, seen } = await serve(t, (_, response) => {
    response.writeHead(500).end('{"code":-1000,"msg":"An unknown error occurred."}')
  })
  await assert.rejects(client(url).ask(binance.rest.time()), {
    code: 'EXCHANGE_BUSY',
    message: 'binance answered 500: An unknown error occurred. (-1000)',
  })
  assert.equal(seen.length, 4)
})

test('does not retry what cannot heal', async (t) => {
  const answers: Record<string, [status: number, body: string, code: string]> = {
    '/symbol': [400, '{"code":-1121,"msg":"Invalid symbol."}', 'SYMBOL_NOT_FOUND'],
    '/parameter': [400, '{"code":-1130,"msg":"Data sent for parameter \'limit\' is not valid."}', 'EXCHANGE_ERROR'],
    '/firewall': [403, '<html>', 'EXCHANGE_ERROR'],
    '/country': [451, '{"code":0,"msg":"Service unavailable from a restricted location"}', 'EXCHANGE_ERROR'],
    '/elsewhere': [302, '', 'EXCHANGE_ERROR'],
    '/page': [200, '<html>', 'EXCHANGE_ANSWER'],
    '/empty': [200, '', 'EXCHANGE_ANSWER'],
  }
  const { url, seen } = await serve(t, (request, response) => {
    const [status, body] = answers[String(request.url)]!
    response.writeHead(status, { location: '/page' }).end(body)
  })
  const rest = client(url)
  for (const [path, [, , expected]] of Object.entries(answers))
    assert.equal(await code(rest.ask(asking(path))), expected)
  assert.equal(seen.length, Object.keys(answers).length)
})

test('an answer of another shape names its place', async (t) => {
  const { url } = await serve(t, (_, response) => ok(response, { serverTime: 'noon' }))
  await assert.rejects(client(url).ask(binance.rest.time()), {
    code: 'EXCHANGE_ANSWER',
    details: { exchange: 'binance', path: '/api/v3/time', reason: '/serverTime must be integer' },
  })
})

test('a limit stops everyone until the second it names', async (t) => {
  const { url, seen } = await serve(t, (_, response, n) => {
    if (n === 1) response.writeHead(429, { 'Retry-After': '1' }).end('{"code":-1003,"msg":"Too much."}')
    else ok(response)
  })
  const metrics = createMetrics()
  const rest = client(url, { metrics })
  const first = rest.ask(binance.rest.time())
  while (rest.usage().blockedUntil === 0) await new Promise(setImmediate)
  const { blockedUntil, consecutiveLimits } = rest.usage()
  assert.equal(consecutiveLimits, 1)
  const others = ['/a', '/b'].map((path) => rest.ask(asking(path), { priority: 'backfill' }))
  await Promise.all([first, ...others])
  assert.ok(
    seen.slice(1).every(({ at }) => at >= blockedUntil),
    'nothing left in between',
  )
  assert.deepEqual([seen.length, rest.usage().consecutiveLimits, rest.usage().blockedUntil], [4, 0, 0])
  assert.match(await metrics.registry.metrics(), /requests_total\{exchange="binance",outcome="limited"\} 1/)
})

test('during a long ban requests fail at once and say until when', async (t) => {
  const { url, seen } = await serve(t, (_, response) => {
    response.writeHead(418, { 'Retry-After': '259200' }).end('{"code":-1003,"msg":"banned"}')
  })
  const rest = client(url)
  assert.equal(await code(rest.ask(binance.rest.time())), 'EXCHANGE_LIMITED')
  assert.equal(await code(rest.ask(binance.rest.time())), 'EXCHANGE_LIMITED')
  assert.equal(seen.length, 1)
  assert.ok(rest.usage().blockedUntil > Date.now() + 3 * 86_400_000 - 60_000)
})

test('no window of the exchange sees more than the share of its budget, and live goes first', async (t) => {
  const windowMs = 400
  const counts = new Map<number, number>()
  const { url, seen } = await serve(t, (_, response) => {
    const window = Math.floor(Date.now() / windowMs)
    counts.set(window, (counts.get(window) ?? 0) + 2)
    ok(response, {}, { 'x-mbx-used-weight-1m': String(counts.get(window)) })
  })
  const rest = client(url, { exchange: windowed(windowMs, 20), share: 0.9 })
  assert.equal(rest.usage().limit, 18)
  const order: string[] = []
  const ask = async (priority: 'live' | 'backfill') => {
    await rest.ask(asking('/x', 2), { priority })
    order.push(priority)
  }
  const backfills = Array.from({ length: 24 }, () => ask('backfill'))
  const lives = Array.from({ length: 3 }, () => ask('live'))
  await Promise.all([...backfills, ...lives])
  assert.equal(seen.length, 27)
  assert.ok(Math.max(...counts.values()) <= 18, JSON.stringify([...counts.values()]))
  assert.ok(order.lastIndexOf('live') < 15, 'eight backfills were under way, then the live ones went')
})

test('a request waits no longer than its signal', async (t) => {
  let hanging: ServerResponse | undefined
  const arrived = Promise.withResolvers<void>()
  const { url, seen } = await serve(t, (_, response) => {
    hanging = response
    arrived.resolve()
  })
  const rest = client(url, { exchange: windowed(60_000, 10), share: 1 })
  const sent = new AbortController()
  const queued = new AbortController()
  const first = code(rest.ask(asking('/first', 10), { signal: sent.signal }))
  const second = code(rest.ask(asking('/second', 10), { signal: queued.signal }))
  await arrived.promise
  queued.abort(new Error('no longer wanted'))
  assert.equal(await second, 'Error: no longer wanted')
  sent.abort(new Error('stopped'))
  assert.equal(await first, 'Error: stopped')
  assert.equal(await code(rest.ask(asking('/third'), { signal: AbortSignal.abort(new Error('late')) })), 'Error: late')
  assert.equal(seen.length, 1)
  hanging?.destroy()
})

test('an exchange that does not answer is a timeout', async (t) => {
  const { url, seen } = await serve(t, () => {})
  assert.equal(await code(client(url, { timeoutMs: 30 }).ask(binance.rest.time())), 'EXCHANGE_TIMEOUT')
  assert.equal(seen.length, 4)
})

test('an exchange that keeps failing gets a pause, then single trials', async (t) => {
  let healthy = false
  const { url, seen } = await serve(t, (_, response) => {
    if (healthy) ok(response)
    else response.writeHead(502).end()
  })
  let clock = 1_000_000
  const rest = client(url, { now: () => clock, breakerMs: 30_000 })
  assert.equal(await code(rest.ask(binance.rest.time())), 'EXCHANGE_BUSY')
  assert.equal(await code(rest.ask(binance.rest.time())), 'EXCHANGE_BUSY')
  assert.equal(seen.length, 5, 'the fifth failure opened it')
  assert.equal(await code(rest.ask(binance.rest.time())), 'EXCHANGE_UNREACHABLE')
  assert.equal(seen.length, 5)
  clock += 30_000
  healthy = true
  const both = await Promise.all([rest.ask(binance.rest.time()), rest.ask(binance.rest.time())])
  assert.deepEqual(both, [1, 1])
  healthy = false
  assert.equal(await code(rest.ask(binance.rest.time())), 'EXCHANGE_BUSY')
  assert.equal(seen.length, 11, 'closed again: four attempts')
})

test('nobody listens there', async (t) => {
  const { url } = await serve(t, (_, response) => ok(response))
  const closed = url.replace(/:\d+/, ':1')
  await assert.rejects(client(closed).ask(binance.rest.time()), { code: 'EXCHANGE_UNREACHABLE' })
})

test('keys and signatures are in no failure', async (t) => {
  const { url, seen } = await serve(t, (request, response) => {
    const msg = `You sent ${request.url} with ${request.headers['x-mbx-apikey']}`
    response.writeHead(401).end(JSON.stringify({ code: -2015, msg }))
  })
  const request = binance.rest.account({ key: 'my-key', secret: 'my-secret', now: 1 })
  const { signature } = request.query
  const error = await client(url)
    .ask(request)
    .catch((failure: unknown) => failure)
  assert.ok(isFailure(error) && error.code === 'EXCHANGE_ERROR')
  assert.equal(seen[0]?.headers['x-mbx-apikey'], 'my-key')
  assert.ok(seen[0]?.url.endsWith(`signature=${signature}`))
  for (const secret of ['my-key', 'my-secret', String(signature)]) {
    assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes(secret))
  }
})

test('a body without end is cut off', async (t) => {
  const part = Buffer.alloc(1024 * 1024, 0x20)
  const { url } = await serve(t, (_, response) => {
    const write = (): void => {
      while (response.write(part));
      response.once('drain', write)
    }
    write()
  })
  await assert.rejects(client(url).ask(binance.rest.time()), { code: 'EXCHANGE_ANSWER' })
})
