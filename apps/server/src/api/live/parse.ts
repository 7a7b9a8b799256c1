import type { ClientMessage, LiveError, SubscribeMessage, UnsubscribeMessage } from '@candlewire/protocol'
import * as schemas from '@candlewire/protocol/schemas'
import { Compile } from 'typebox/compile'

const readers = {
  subscribe: Compile(schemas.SubscribeMessage),
  unsubscribe: Compile(schemas.UnsubscribeMessage),
  list: Compile(schemas.ListMessage),
  ping: Compile(schemas.PingMessage),
}

export type Parsed = { message: ClientMessage } | { error: LiveError }

const refused = (code: LiveError['code'], message: string): Parsed => ({ error: { code, message } })

/** Reads one text frame of a client. Never throws. */
export function parseMessage(text: string): Parsed {
  const json = readJson(text)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return refused('MALFORMED_MESSAGE', 'a message is one JSON object')
  }
  const action = 'action' in json ? json.action : undefined
  if (action === 'subscribe' || action === 'unsubscribe') return parseSubscription(action, json)
  if (readers.list.Check(json)) return { message: json }
  if (readers.ping.Check(json)) return { message: json }
  return refused('UNKNOWN_ACTION', 'action is one of subscribe, unsubscribe, list_subscriptions, ping')
}

function parseSubscription(action: 'subscribe' | 'unsubscribe', json: object): Parsed {
  const reader = readers[action]
  if (reader.Check(json)) return { message: json satisfies SubscribeMessage | UnsubscribeMessage }
  const [first] = reader.Errors(json)
  const where = first?.instancePath.slice(1) || 'message'
  return refused('INVALID_PARAMETER', `${where} ${first?.message ?? 'is not valid'}`)
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
