import type { Unfamiliar } from '../exchange.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/**
 * The fields of each event, those included that we don't hold (binance-spot-api-docs, web-socket-streams.md; futures
 * and the years before 2024 too).
 */
const fields: Readonly<Record<string, ReadonlySet<string>>> = {
  trade: words('e E s t p q b a T m M X'),
  aggTrade: words('e E s a p q nq f l T m M'),
  kline: words('e E s k'),
  'kline.k': words('t T s i f L o c h l v n x q V Q B'),
  '24hrTicker': words('e E s p P w x c Q b B a A o h l v q O C F L n'),
  '24hrMiniTicker': words('e E s c o h l v q'),
  depthUpdate: words('e E T s U u pu b a'),
  bookTicker: words('e E T s u b B a A ps st'),
}
const US = 1e14

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Fields that no page documents, and times that are no longer in ms. Never throws. */
export function unfamiliar(frame: Buffer): Unfamiliar[] {
  try {
    const message: unknown = JSON.parse(frame.toString())
    const data = isRecord(message) && 'data' in message ? message.data : message
    return (Array.isArray(data) ? data : [data]).flatMap((item: unknown) => (isRecord(item) ? ofEvent(item) : []))
  } catch {
    return []
  }
}

function ofEvent(data: Record<string, unknown>): Unfamiliar[] {
  const name = typeof data.e === 'string' ? data.e : 'u' in data && 'B' in data ? 'bookTicker' : ''
  const known = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (!known || typeof data.s !== 'string') return []
  const symbol = data.s
  const found = fresh(data, known, name, symbol)
  if (name === 'kline' && isRecord(data.k)) found.push(...fresh(data.k, fields['kline.k']!, 'kline.k', symbol))
  if (typeof data.E === 'number' && data.E > US) found.push({ symbol, kind: 'time unit', what: `${name} in µs` })
  return found
}

/** Names of fields come from outside: told only when they look like names. */
const fresh = (data: object, known: ReadonlySet<string>, name: string, symbol: string): Unfamiliar[] =>
  Object.keys(data)
    .filter((key) => !known.has(key))
    .map((key) => ({
      symbol,
      kind: 'unknown field',
      what: `${name}: ${/^\w{1,32}$/.test(key) ? key : 'a field'}`,
    }))
