import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Message } from '../domain/message.ts'
import type { SourceRecord } from './source.ts'

/** What we look for in records of services that we do not know; anything may be absent or of another kind. */
const Known = Type.Object({
  symbol: Type.Optional(Type.Unknown()),
  time: Type.Optional(Type.Unknown()),
  timestamp: Type.Optional(Type.Unknown()),
  ts: Type.Optional(Type.Unknown()),
})

/** Below it an epoch is in seconds. */
const SECONDS_BELOW = 100_000_000_000
/** The latest time of a `Date`, ms. */
const LATEST = 8_640_000_000_000_000

/** A record as it is stored. What it says of itself is read where it can be; nothing makes it unfit. */
export function messageOf({ topic, id, key, value, headers }: SourceRecord, received: number): Message {
  const said = contentOf(value)
  const symbol = typeof said?.symbol === 'string' ? withoutNul(said.symbol) : ''
  const time = [said?.time, said?.timestamp, said?.ts, headers['ts-exchange']]
    .map(timeOf)
    .find((ms) => ms !== undefined)
  return {
    topic,
    id: withoutNul(headers['event-id'] || id),
    key: withoutNul(key),
    symbol,
    time: time ?? received,
    received,
    payload: withoutNul(value),
  }
}

/** No database keeps the character 0 in a text. */
const withoutNul = (text: string): string => text.replaceAll('\0', '\uFFFD')

function contentOf(value: string) {
  try {
    const content: unknown = JSON.parse(value)
    return Value.Check(Known, content) ? content : undefined
  } catch {
    return undefined
  }
}

/** Milliseconds or seconds since 1970, as number or text, or ISO 8601. */
function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value)
  const ms = Number.isNaN(number) ? Date.parse(String(value)) : number < SECONDS_BELOW ? number * 1000 : number
  return ms >= 0 && ms <= LATEST ? Math.trunc(ms) : undefined
}
