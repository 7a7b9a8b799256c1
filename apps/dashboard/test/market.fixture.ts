import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { WebSocketServer } from 'ws'

const MINUTE = 60_000
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
/** As strict as a policy can be: the page must live with nothing but its own files. */
const POLICY = "default-src 'self'; object-src 'none'"

const json = (response: ServerResponse, body: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

/** Serves the built page and one market, BTCUSDT, whose every candle and trade the test decides. */
export async function marketServer(t: TestContext, dist: string) {
  const start = Math.floor(Date.now() / MINUTE) * MINUTE
  const row = (minutesAgo: number, close: number) => ({
    time: new Date(start - minutesAgo * MINUTE).toISOString(),
    open: 100,
    high: 110,
    low: 90,
    close,
    volume: 2,
  })
  const answer = (data: unknown) => ({ success: true, data, timestamp: new Date().toISOString() })
  const error = { code: 'SYMBOL_NOT_FOUND', message: 'no such market' }
  const pages: string[] = []

  const api = (url: URL, response: ServerResponse) => {
    const [, symbol, what] = /^\/api\/v1\/(?:crypto|stats)\/([^/]+)\/?(.*)$/.exec(url.pathname) ?? []
    if (symbol !== 'BTCUSDT' && symbol !== 'ETHUSDT')
      return json(response, { success: false, error, timestamp: '' }, 404)
    if (what === 'latest') return json(response, answer({ symbol, price: 101, timestamp: row(0, 0).time }))
    if (what === '') {
      return json(response, answer({ symbol, high_24h: 110, low_24h: 90, change_24h: 2.3, volume_24h: 1250.5 }))
    }
    pages.push(url.search)
    const interval = url.searchParams.get('interval')
    const data = url.searchParams.has('end') ? [] : [row(5, 104), row(4, 103), row(1, 102), row(0, 101)]
    return json(response, answer({ symbol, interval, data, meta: { gaps: [] } }))
  }

  const http = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://page')
    if (url.pathname.startsWith('/api/')) return api(url, response)
    if (url.pathname === '/stats') {
      const coverage = ['BTCUSDT', 'ETHUSDT'].map((symbol) => ({ exchange: 'binance', symbol, timeframe: '1m' }))
      return json(response, { status: 'ok', coverage })
    }
    const file = join(dist, url.pathname === '/' ? 'index.html' : url.pathname)
    const body = await readFile(file).catch(() => undefined)
    if (!body) return response.writeHead(404).end()
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    return response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(body)
  })
  const sockets = new WebSocketServer({ server: http, path: '/ws/crypto' })
  const subscribed = new Set<string>()
  sockets.on('connection', (socket) =>
    socket.on('message', (frame) => {
      const { action, ...channel } = JSON.parse(String(frame))
      subscribed.add(`${action} ${Object.values(channel).join(' ')}`)
      const type = action === 'subscribe' ? 'subscribed' : 'unsubscribed'
      socket.send(JSON.stringify({ type, data: { ...channel, exchange: 'binance' }, timestamp: Date.now() }))
    }),
  )
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(async () => {
    for (const socket of sockets.clients) socket.terminate()
    http.closeAllConnections()
    http.close()
    await once(http, 'close')
  })

  const say = (type: string, data: unknown) => {
    for (const socket of sockets.clients) socket.send(JSON.stringify({ type, data, timestamp: Date.now() }))
  }
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    /** Queries of the candle pages that were asked for. */
    pages,
    /** Every action that came, as `subscribe trades BTCUSDT`. */
    subscribed,
    candle: (close: number, minutesAgo = 0) =>
      say('candle', { symbol: 'BTCUSDT', timeframe: '1m', ...row(minutesAgo, close), closed: minutesAgo > 0 }),
    trade: (id: number, price: number, side: 'buy' | 'sell') =>
      say('trade', { symbol: 'BTCUSDT', id, price, quantity: 0.5, side, time: new Date().toISOString() }),
    /** Cuts every live connection without a goodbye. */
    cut() {
      for (const socket of sockets.clients) socket.terminate()
    },
  }
}
