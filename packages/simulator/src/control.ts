import type { IncomingMessage, ServerResponse } from 'node:http'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Exchange } from './exchange.ts'
import type { Faults } from './faults/engine.ts'
import { Fault } from './faults/faults.ts'
import { isInterval } from './market/grid.ts'
import type { Truth } from './truth.ts'

const order = Compile(Type.Union([Fault, Type.Array(Fault)]))
const maxBody = 1 << 20

export type Control = {
  exchange: Exchange
  truth: Truth
  faults: Faults
  connections: () => number
  streams: () => number
}

type Answer = { status: number; body: unknown }
const bad = (error: string): Answer => ({ status: 400, body: { error } })

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > maxBody) return undefined
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const numberOf = (query: URLSearchParams, name: string): number | undefined => {
  const value = query.get(name)
  return value === null || !/^[0-9]+$/.test(value) ? undefined : Number(value)
}

const trades = ({ truth }: Control, symbol: string, query: URLSearchParams): Answer => ({
  status: 200,
  body: truth.trades(symbol, numberOf(query, 'from'), numberOf(query, 'to')),
})

const candles = ({ truth, exchange }: Control, symbol: string, query: URLSearchParams): Answer => {
  const interval = query.get('interval') ?? '1m'
  if (!isInterval(interval)) return bad('interval must be one of the exchange, such as 1m')
  const to = numberOf(query, 'to') ?? exchange.clock.now()
  return { status: 200, body: truth.candles(symbol, interval, numberOf(query, 'from') ?? 0, to) }
}

const state = ({ exchange, faults, connections, streams }: Control): Answer => ({
  status: 200,
  body: {
    now: exchange.clock.now(),
    symbols: [...exchange.listings.keys()],
    connections: connections(),
    streams: streams(),
    faults: faults.state(),
  },
})

const play = async ({ faults }: Control, request: IncomingMessage): Promise<Answer> => {
  const body = await readBody(request)
  if (!order.Check(body)) return bad('the body must be a fault or a list of faults, such as {"kind":"cut"}')
  const list = Array.isArray(body) ? body : [body]
  for (const fault of list) faults.apply(fault)
  return { status: 200, body: { applied: list.length } }
}

const answer = async (control: Control, request: IncomingMessage): Promise<Answer> => {
  const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://simulator')
  if (pathname === '/sim/faults' && request.method === 'POST') return play(control, request)
  if (pathname === '/sim/state') return state(control)
  const symbol = query.get('symbol') ?? ''
  if (!control.exchange.listings.has(symbol)) return bad('symbol must name a listed symbol, such as BTCUSDT')
  if (pathname === '/sim/truth/trades') return trades(control, symbol, query)
  if (pathname === '/sim/truth/klines') return candles(control, symbol, query)
  return { status: 404, body: { error: 'there is /sim/faults, /sim/state, /sim/truth/trades and /sim/truth/klines' } }
}

/** Answers the simulator's own routes, which no exchange has: faults in, truth and state out. No limits apply. */
export const handleControl = async (
  control: Control,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { status, body } = await answer(control, request)
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
