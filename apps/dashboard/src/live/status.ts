import { formatAge } from './format.ts'

/** A connection that is open but brings nothing for this long deserves a doubt, ms. */
export const STALE_AFTER = 30_000

type Light = 'live' | 'connecting' | 'reconnecting' | 'stale'

export interface Line {
  readonly phase: 'connecting' | 'open' | 'reconnecting'
  /** When data last arrived, or when waiting for it began, ms. */
  readonly heardAt: number
  readonly attempt: number
  /** When the next try begins, ms; only while reconnecting. */
  readonly retryAt: number
  /** Why the connection was lost, as far as it is known. */
  readonly reason: string
}

export interface Status {
  readonly light: Light
  readonly text: string
  readonly detail: string
}

const closeReasons: Readonly<Record<number, string>> = {
  1001: 'The server closed the connection',
  1006: 'The server cannot be reached',
  1012: 'The server restarts',
  1013: 'This page read too slowly',
}

/** Why a connection ended, for people. */
export const closeReason = (code: number, reason: string): string =>
  closeReasons[code] ?? (reason || `The connection was closed (${code})`)

/** What the light shows at `now`. */
export function statusOf(line: Line, now: number): Status {
  if (line.phase === 'connecting') {
    return { light: 'connecting', text: 'Connecting', detail: 'Opening the connection' }
  }
  if (line.phase === 'reconnecting') {
    const wait = Math.max(0, line.retryAt - now)
    const when = wait > 0 ? `next try in ${formatAge(wait)}` : 'trying now'
    return { light: 'reconnecting', text: 'Reconnecting', detail: `${line.reason || 'Connection lost'}; ${when}` }
  }
  const silent = now - line.heardAt
  if (silent < STALE_AFTER) return { light: 'live', text: 'Live', detail: 'Connected, data is arriving' }
  return { light: 'stale', text: 'Stale', detail: `Connected, but nothing has arrived for ${formatAge(silent)}` }
}
