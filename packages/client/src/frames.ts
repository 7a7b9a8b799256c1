import type { WSMessage } from './events.ts'

type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object'
type Shape = Readonly<Record<string, Kind>>
export type Fields = Readonly<Record<string, unknown>>

const subscription: Shape = { type: 'string', symbol: 'string' }
const prices: Shape = { open: 'number', high: 'number', low: 'number', close: 'number', volume: 'number' }

/** What must be there for a handler to rely on; more fields are welcome, unknown events pass as they are. */
const shapes: Readonly<Record<string, Shape>> = {
  candle: { symbol: 'string', timeframe: 'string', time: 'string', ...prices },
  correction: { symbol: 'string', timeframe: 'string', time: 'string', ...prices, revision: 'number' },
  coverage: { symbol: 'string', timeframe: 'string', from: 'string', to: 'string', status: 'string' },
  trade: { symbol: 'string', price: 'number', quantity: 'number', side: 'string', time: 'string' },
  subscribed: subscription,
  unsubscribed: subscription,
  lagged: { dropped: 'number', channels: 'array' },
  error: { message: 'string' },
  pong: {},
}

/** Reads one text frame. Undefined when it is no JSON, no message, or not what its `type` promises; never throws. */
export function readFrame(frame: unknown): WSMessage | undefined {
  if (typeof frame !== 'string') return undefined
  const message = parse(frame)
  if (!isFields(message) || typeof message.type !== 'string') return undefined
  const { type, data, seq } = message
  if (!('data' in message) || !fits(type, data)) return undefined
  const timestamp = typeof message.timestamp === 'number' ? message.timestamp : Date.now()
  return typeof seq === 'number' ? { type, data, timestamp, seq } : { type, data, timestamp }
}

/** Whether `value` is an object with at least the fields of `shape`, each of its kind. */
export function hasShape(value: unknown, shape: Shape): value is Fields {
  return isFields(value) && Object.entries(shape).every(([name, kind]) => kindOf(value[name]) === kind)
}

export const isFields = (value: unknown): value is Fields => kindOf(value) === 'object'

function fits(type: string, data: unknown): boolean {
  if (type === 'subscriptions') return Array.isArray(data) && data.every((entry) => hasShape(entry, subscription))
  const shape = Object.hasOwn(shapes, type) ? shapes[type] : undefined
  return shape === undefined || hasShape(data, shape)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
