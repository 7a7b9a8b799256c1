import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../exchange.ts'
import type { ApiKey } from '../options.ts'
import { checkSignature } from './account.ts'
import { errors, RestError } from './errors.ts'
import type { Limits, RateLimiter, Verdict } from './limits.ts'
import { readParams } from './params.ts'
import { type Route, routes } from './routes.ts'

export type RestServer = {
  exchange: Exchange
  limits: Limits
  limiter: RateLimiter
  keys: readonly ApiKey[]
  /** How long an answer is held back now, in ms of real time. */
  delayMs: () => number
  down: () => boolean
}

/** The fields that hold a time, for clients that ask for microseconds. */
const timeFields = new Set(['time', 'serverTime', 'openTime', 'closeTime', 'T', 'updateTime'])

const scaleValue = (key: string, value: unknown): unknown =>
  timeFields.has(key) && typeof value === 'number' ? value * 1_000 : value

/** The body with its times in µs. Rows of klines carry theirs at places 0 and 6; a bar ends on its last µs. */
const inMicroseconds = (body: unknown): unknown =>
  JSON.parse(JSON.stringify(body), (key, value: unknown) => {
    if (!Array.isArray(value) || value.length !== 12 || typeof value[6] !== 'number') return scaleValue(key, value)
    return value.map((item: unknown, index) =>
      typeof item !== 'number' ? item : index === 0 ? item * 1_000 : index === 6 ? item * 1_000 + 999 : item,
    )
  })

const send = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', ...headers })
  response.end(JSON.stringify(body))
}

const weightHeaders = (used: number): Record<string, string> => ({
  'x-mbx-used-weight': String(used),
  'x-mbx-used-weight-1m': String(used),
})

const refuse = (response: ServerResponse, verdict: Verdict, limits: Limits, now: number): void => {
  if (verdict.kind === 'ban') {
    const msg = `Way too much request weight used; IP banned until ${verdict.until}. Please use WebSocket Streams for live updates to avoid bans.`
    send(response, 418, { code: -1003, msg }, { 'retry-after': String(Math.ceil((verdict.until - now) / 1_000)) })
  } else if (verdict.kind === 'wait') {
    const what = verdict.raw
      ? `Too many requests; current limit is ${limits.rawRequests} requests per 5 MINUTE.`
      : `Too much request weight used; current limit is ${limits.weight} request weight per 1 MINUTE.`
    const msg = `${what} Please use WebSocket Streams for live updates to avoid polling the API.`
    const headers = { ...weightHeaders(verdict.used), 'retry-after': String(Math.ceil(verdict.retryMs / 1_000)) }
    send(response, 429, { code: -1003, msg }, headers)
  }
}

const notFound = (request: IncomingMessage, response: ServerResponse): void => {
  const html = request.headers.accept?.includes('text/html') ?? false
  response.writeHead(404, { 'content-type': html ? 'text/html' : 'text/plain' })
  response.end(html ? '<html><body><h1>404 Not Found</h1></body></html>' : '')
}

const answer = async (server: RestServer, route: Route, request: IncomingMessage, raw: string): Promise<unknown> => {
  const params = readParams(new URLSearchParams(raw), route.params)
  if (route.signed) checkSignature(request, raw, params, server.keys, server.exchange.clock.now())
  const body = await route.answer(server.exchange, params, server.limits)
  return request.headers['x-mbx-time-unit']?.toString().toUpperCase() === 'MICROSECOND' ? inMicroseconds(body) : body
}

const prefix = '/api/v3/'

/** Answers one REST request the way the exchange would: limits first, then parameters, then the body. */
export const handleRest = async (
  server: RestServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const [path = '', raw = ''] = (request.url ?? '').split('?', 2)
  const name = path.slice(prefix.length)
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined
  if (!path.startsWith(prefix) || !route || request.method !== 'GET') return notFound(request, response)
  const wall = server.exchange.clock.wall()
  const address = request.socket.remoteAddress ?? ''
  const verdict = server.limiter.charge(address, route.weight(new URLSearchParams(raw)), wall)
  if (verdict.kind !== 'ok') return refuse(response, verdict, server.limits, wall)
  const headers = weightHeaders(verdict.used)
  const delay = server.delayMs()
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay))
  try {
    if (server.down()) throw errors.down()
    send(response, 200, await answer(server, route, request, raw), headers)
  } catch (error) {
    const refusal = error instanceof RestError ? error : errors.unexpected()
    if (!(error instanceof RestError)) process.emitWarning(error instanceof Error ? error : String(error))
    send(response, refusal.status, { code: refusal.code, msg: refusal.message }, headers)
  }
}
