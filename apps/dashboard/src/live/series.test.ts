import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createRestClient, RTClient, type SocketEvents } from '@candlewire/client'
import type { Bar, Hole } from './bars.ts'
import { openSeries } from './series.ts'

const iso = (minute: number) => new Date(minute * 60_000).toISOString()
const row = (minute: number, close = 1) => ({ time: iso(minute), open: 1, high: 9, low: 1, close, volume: 2 })
const candle = (minute: number, close = 1) => ({
  type: 'candle',
  data: { symbol: 'BTCUSDT', timeframe: '1m', ...row(minute, close) },
  timestamp: 1,
})

/** A server in the test's hands: each page asked for waits until it is answered, frames are pushed. */
function hand(t: TestContext) {
  const sent: Record<string, unknown>[] = []
  const sockets: SocketEvents[] = []
  const asked: { url: URL; answer: (body: unknown, status?: number) => void }[] = []
  const waiting = new Set<() => void>()
  const client = new RTClient({
    backoff: { firstMs: 1, maxMs: 1, jitter: 0 },
    openSocket: (_url, events) => {
      sockets.push(events)
      queueMicrotask(events.open)
      return { send: (text) => sent.push(JSON.parse(text)), close: () => {} }
    },
  })
  t.after(() => client.disconnect())
  const rest = createRestClient({
    baseUrl: 'http://test',
    fetch: (url) =>
      new Promise((resolve) => {
        const answer = (body: unknown, status = 200) => resolve(new Response(JSON.stringify(body), { status }))
        asked.push({ url: new URL(String(url)), answer })
        for (const wake of waiting) wake()
      }),
  })
  const log: string[] = []
  let shown: readonly Bar[] = []
  let missing: Hole | undefined
  const told = (line: string) => {
    log.push(line)
    for (const wake of waiting) wake()
  }
  const until = (ready: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!ready()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return {
    client,
    rest,
    sent,
    log,
    asked,
    view: {
      layout(bars: readonly Bar[], _timeframe: string, fresh: boolean, tail?: Hole) {
        shown = bars
        missing = tail
        told(fresh ? 'fresh' : 'layout')
      },
      put: (bar: Bar, change: string) => told(`${change} ${bar.time / 60_000}`),
      notice: (text: string) => told(`“${text}”`),
    },
    minutes: () => shown.map(({ time, close }) => `${time / 60_000}=${close}`).join(' '),
    tail: () => missing,
    push: (message: unknown) => sockets.at(-1)!.frame(JSON.stringify(message)),
    cut: () => sockets.at(-1)!.close(1006, ''),
    async page(n: number, rows: unknown[], gaps: unknown[] = []) {
      await until(() => asked.length >= n)
      const data = { symbol: 'BTCUSDT', interval: '1m', data: rows, meta: { gaps } }
      asked[n - 1]!.answer({ success: true, data, timestamp: iso(0) })
    },
    said: (line: string, times = 1) => until(() => log.filter((entry) => entry === line).length >= times),
    until,
  }
}

const route = { symbol: 'BTCUSDT', timeframe: '1m' }

test('history and what arrived meanwhile become one series, then live bars follow', async (t) => {
  const server = hand(t)
  const stop = new AbortController()
  await server.client.connect()
  openSeries(server, route, server.view, stop.signal)
  server.push(candle(3, 5))
  await server.page(1, [row(1), row(2), row(3)])
  await server.said('fresh')
  assert.equal(server.asked[0]!.url.search, '?interval=1m&limit=1000')
  assert.equal(server.minutes(), '1=1 2=1 3=5')
  for (const frame of [candle(4), candle(3, 6), candle(7)]) server.push(frame)
  assert.deepEqual(server.log.slice(-3), ['last 4', 'older 3', 'layout'])
  stop.abort()
  server.push(candle(8))
  assert.equal(server.minutes(), '1=1 2=1 3=6 4=1 7=1', 'an aborted series hears nothing')
  assert.deepEqual(
    server.sent.map(({ action }) => action),
    ['subscribe', 'unsubscribe'],
  )
})

test('a scroll to the left reads the page before, until there is none', async (t) => {
  const server = hand(t)
  const stop = new AbortController()
  t.after(() => stop.abort())
  await server.client.connect()
  const series = openSeries(server, route, server.view, stop.signal)
  await server.page(1, [row(10)])
  await server.said('fresh')
  const older = series.older()
  void series.older()
  await server.page(2, [row(8), row(9)])
  await older
  assert.equal(server.asked[1]!.url.searchParams.get('end'), String(10 * 60_000 - 1))
  assert.equal(server.minutes(), '8=1 9=1 10=1')
  const beginning = series.older()
  await server.page(3, [])
  await beginning
  await series.older()
  assert.equal(server.asked.length, 3)
  server.push(candle(11))
  assert.equal(server.minutes(), '8=1 9=1 10=1 11=1', 'the view still sees the array that grows')
})

test('after a reconnect the newest page is read anew and what came before it stays', async (t) => {
  const server = hand(t)
  const stop = new AbortController()
  t.after(() => stop.abort())
  await server.client.connect()
  openSeries(server, route, server.view, stop.signal)
  await server.page(1, [row(1), row(2, 3)])
  await server.said('fresh')
  server.cut()
  await server.page(2, [row(2, 4), row(3)])
  await server.said('layout')
  assert.equal(server.minutes(), '1=1 2=4 3=1')
})

test('a page that no longer reaches the old one starts over instead of joining them', async (t) => {
  const server = hand(t)
  const stop = new AbortController()
  t.after(() => stop.abort())
  await server.client.connect()
  openSeries(server, route, server.view, stop.signal)
  await server.page(1, [row(1)])
  await server.said('fresh')
  server.push({ type: 'lagged', data: { dropped: 3, channels: [] }, timestamp: 1 })
  await server.page(2, [row(50), row(51)], [{ from: iso(52), to: iso(55), status: 'unknown' }])
  await server.said('layout')
  assert.equal(server.minutes(), '50=1 51=1')
  assert.deepEqual(server.tail(), { from: 52 * 60_000, to: 55 * 60_000 })
  server.push(candle(52))
  assert.equal(server.tail(), undefined, 'the feed is back')
})

test('a stretch that becomes unknown loses its flat bars at once, a repaired one is read anew', async (t) => {
  const server = hand(t)
  const stop = new AbortController()
  t.after(() => stop.abort())
  await server.client.connect()
  openSeries(server, route, server.view, stop.signal)
  await server.page(1, [row(1), row(2), { ...row(3), volume: 0 }, { ...row(4), volume: 0 }])
  await server.said('fresh')
  const stretch = { ...route, from: iso(3), to: iso(6) }
  server.push({ type: 'coverage', data: { ...stretch, symbol: 'ETHUSDT', status: 'unknown' }, timestamp: 1 })
  assert.equal(server.minutes(), '1=1 2=1 3=1 4=1', 'of another market')
  server.push({ type: 'coverage', data: { ...stretch, status: 'unknown' }, timestamp: 1 })
  assert.equal(server.minutes(), '1=1 2=1')
  assert.deepEqual(server.tail(), { from: 3 * 60_000, to: 6 * 60_000 })
  server.push({ type: 'coverage', data: { ...stretch, status: 'repaired' }, timestamp: 1 })
  await server.page(2, [row(2), row(3), row(4), row(5)])
  await server.said('layout', 2)
  assert.equal(server.minutes(), '1=1 2=1 3=1 4=1 5=1')
  assert.equal(server.tail(), undefined)
})

test('an unknown symbol is said in words and not asked for again', async (t) => {
  const server = hand(t)
  const stop = new AbortController()
  t.after(() => stop.abort())
  openSeries(server, route, server.view, stop.signal)
  await server.until(() => server.asked.length === 1)
  const error = { code: 'SYMBOL_NOT_FOUND', message: 'binance has no market BTCUSDT' }
  server.asked[0]!.answer({ success: false, error, timestamp: iso(0) }, 404)
  await server.said('“The server does not know BTCUSDT”')
})
