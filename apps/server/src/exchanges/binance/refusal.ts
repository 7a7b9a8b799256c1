import { edge } from '../edge.ts'
import type { Exchange } from '../exchange.ts'
import { Refusal } from './schemas.ts'

const MINUTE = 60_000
/** The shortest ban there is. */
const SHORTEST_BAN = 2 * MINUTE
const UNKNOWN_SYMBOL = -1121
const TOO_MANY_REQUESTS = -1003
const MAX_REASON = 300

const refusalBody = edge(Refusal)

/** The weight used in the running minute. */
export const usedWeight: Exchange['usedWeight'] = (headers) => {
  const text = headers.get('x-mbx-used-weight-1m') ?? headers.get('x-mbx-used-weight')
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

export const refusal: Exchange['refusal'] = (status, headers, body, now) => {
  const { code, msg } = said(body)
  const reason = code === undefined ? `HTTP ${status}${plainly[status] ?? ''}` : `${msg.slice(0, MAX_REASON)} (${code})`
  if (status === 418) return { kind: 'banned', reason, waitMs: banEnd(headers, msg, now) }
  if (status === 429 || code === TOO_MANY_REQUESTS) {
    return { kind: 'limited', reason, waitMs: retryAfter(headers, now) ?? MINUTE - (now % MINUTE) }
  }
  if (status >= 500 || status === 408) return { kind: 'busy', reason }
  return code === UNKNOWN_SYMBOL ? { kind: 'refused', reason, unknownSymbol: true } : { kind: 'refused', reason }
}

/** What to say where the answer is a page for people. */
const plainly: Readonly<Record<number, string>> = {
  403: ', turned away by the firewall',
  404: ', no such path',
  451: ', not available from this country',
}

function said(body: string): { code?: number; msg: string } {
  try {
    return refusalBody(JSON.parse(body))
  } catch {
    return { msg: '' }
  }
}

/** `Retry-After` in seconds or as a date; ms from now. */
function retryAfter(headers: Headers, now: number): number | undefined {
  const text = headers.get('retry-after')?.trim()
  if (!text) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** The later of the header and the time in the text, `IP banned until 1795168999000`. */
function banEnd(headers: Headers, msg: string, now: number): number {
  const [, until] = /until (\d{13})\b/.exec(msg) ?? []
  const waits = [retryAfter(headers, now), until === undefined ? undefined : Number(until) - now]
  const known = waits.filter((wait) => wait !== undefined)
  return known.length > 0 ? Math.max(0, ...known) : SHORTEST_BAN
}
