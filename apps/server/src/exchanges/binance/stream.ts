import type { Static, TSchema } from 'typebox'
import { edge } from '../edge.ts'
import type { Exchange, StreamEvent, StreamRequest } from '../exchange.ts'
import { unfamiliar } from './drift.ts'
import * as map from './map.ts'
import { createTradeScanner } from './scan.ts'
import * as wire from './schemas.ts'

type Read = (data: unknown, received: number) => StreamEvent

const event = <S extends TSchema>(schema: S, toEvent: (message: Static<S>, received: number) => StreamEvent): Read => {
  const check = edge(schema)
  return (data, received) => toEvent(check(data), received)
}

/** Event name → reader. Spot's best prices and partial books have no name. */
const events: Readonly<Record<string, Read>> = {
  trade: event(wire.StreamTrade, map.streamTrade),
  aggTrade: event(wire.StreamAggregateTrade, map.streamAggregateTrade),
  kline: event(wire.StreamKline, map.streamCandle),
  '24hrTicker': event(wire.StreamTicker, map.streamTicker),
  '24hrMiniTicker': event(wire.StreamMiniTicker, map.streamTicker),
  bookTicker: event(wire.StreamBookTicker, map.bookTop),
  depthUpdate: event(wire.StreamDepth, map.depthDelta),
  serverShutdown: () => ({ type: 'shutdown' }),
}

const partialDepth = edge(wire.Depth)
const accepted = edge(wire.Accepted)
const refused = edge(wire.Refused)
const refusedNested = edge(wire.RefusedNested)

const channels: Record<StreamRequest['channel'], (timeframe?: string) => string> = {
  trades: () => 'trade',
  candles: (timeframe = '1m') => `kline_${timeframe}`,
  ticker: () => 'ticker',
  top: () => 'bookTicker',
  depth: () => 'depth@100ms',
}

const command = (method: string) => (params: readonly string[], id: number) => JSON.stringify({ method, params, id })

const RAW_TRADE = '"e":"trade"'

/** The frames of `/stream` connections, and bare ones as `/ws` sends them. */
export function createStream(): Exchange['stream'] {
  const scanTrade = createTradeScanner()
  let slow = 0
  return {
    url: (base) => `${base.replace(/\/+(?:(?:ws|stream)\/*)?$/, '')}/stream`,
    topic: ({ channel, symbol, timeframe }) => `${symbol.toLowerCase()}@${channels[channel](timeframe)}`,
    subscribe: command('SUBSCRIBE'),
    unsubscribe: command('UNSUBSCRIBE'),
    slowTrades: () => slow,
    unfamiliar,
    read(frame, received) {
      const trade = scanTrade(frame, received)
      if (trade) return [trade]
      if (frame.includes(RAW_TRADE)) slow++
      return readText(frame, received)
    },
  }
}

/** The same by JSON.parse and the schemas alone: what `read` must agree with. */
export function readText(frame: Buffer, received: number): readonly StreamEvent[] {
  let message: unknown
  try {
    message = JSON.parse(frame.toString())
  } catch {
    return [{ type: 'malformed', reason: 'no JSON' }]
  }
  if (isRecord(message) && 'data' in message && typeof message.stream === 'string') {
    return readData(message.data, received, message.stream)
  }
  return readData(message, received)
}

/** Streams of all markets put their events in a list. */
const readData = (data: unknown, received: number, stream?: string): readonly StreamEvent[] =>
  Array.isArray(data) ? data.map((item) => readOne(item, received)) : [readOne(data, received, stream)]

function readOne(data: unknown, received: number, stream?: string): StreamEvent {
  try {
    if (!isRecord(data)) return { type: 'malformed', reason: 'no object' }
    if (typeof data.e === 'string') return readNamed(data.e, data, received)
    if ('bids' in data && 'lastUpdateId' in data) return readPartialDepth(data, received, stream)
    if ('u' in data && 'B' in data) return events.bookTicker!(data, received)
    return readAnswer(data) ?? { type: 'unknown', reason: 'no known fields' }
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unreadable'
    return isRecord(data) && data.e === 'trade' && typeof data.s === 'string'
      ? { type: 'malformed', reason, market: data.s }
      : { type: 'malformed', reason }
  }
}

function readNamed(name: string, data: unknown, received: number): StreamEvent {
  const read = Object.hasOwn(events, name) ? events[name] : undefined
  if (!read) return { type: 'unknown', reason: /^\w{1,32}$/.test(name) ? `event ${name}` : 'event' }
  return read(data, received)
}

/** Only the wrapper says of which market a partial book is. */
function readPartialDepth(data: unknown, received: number, stream = ''): StreamEvent {
  const [symbol] = stream.split('@')
  if (!symbol) return { type: 'unknown', reason: 'a book without its market' }
  return map.depthSnapshot(partialDepth(data), symbol.toUpperCase(), received)
}

/** What comes back to our own messages; `undefined` when it is no such answer. */
function readAnswer(data: Record<string, unknown>): StreamEvent | undefined {
  if ('result' in data) return { type: 'ack', id: numeric(accepted(data).id) }
  if ('error' in data) {
    const { error, id } = refusedNested(data)
    return { type: 'ack', id: numeric(id), error: `${error.code}: ${error.msg}` }
  }
  if (!('code' in data && 'msg' in data)) return undefined
  const { code, msg, id } = refused(data)
  return { type: 'ack', id: numeric(id), error: `${code}: ${msg}` }
}

const numeric = (id: number | string | null | undefined): number | null => (typeof id === 'number' ? id : null)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
