import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorBody } from '@candlewire/protocol'
import { type Failure, type FailureCode, failure, isFailure } from '../lib/failure.ts'
import { isoTime } from './text.ts'

/** Codes that REST shows under another name. */
const publicCode: { [C in FailureCode]?: string } = {
  INVALID_TIMEFRAME: 'INVALID_PARAMETER',
  EXCHANGE_BUSY: 'EXCHANGE_ERROR',
  EXCHANGE_ANSWER: 'EXCHANGE_ERROR',
  EXCHANGE_LIMITED: 'EXCHANGE_UNAVAILABLE',
  EXCHANGE_UNREACHABLE: 'EXCHANGE_UNAVAILABLE',
}

/** Seconds to wait when nothing more exact is known. */
const RETRY_AFTER = 5

export interface ErrorAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: ErrorBody
}

/** What a client is told of an error. Anything unforeseen is `INTERNAL` and shows nothing of itself. */
export function errorAnswer(error: unknown, now: number): ErrorAnswer {
  const known = isFailure(error) ? error : ofFramework(error)
  const code = known ? (publicCode[known.code] ?? known.code) : 'INTERNAL'
  const details = known && Object.keys(known.details).length > 0 ? { details: known.details } : {}
  const message = known?.message ?? 'Something went wrong on our side'
  return {
    status: known?.status ?? 500,
    headers: known?.status === 503 ? { 'retry-after': String(retryAfter(known, now)) } : {},
    body: { success: false, error: { code, message, ...details }, timestamp: isoTime(now) },
  }
}

/** Answers bytes that are no HTTP request, where the connection still takes an answer, and ends it. */
export function refuseRaw(error: NodeJS.ErrnoException, socket: Duplex, now: number): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = rawStatus[error.code ?? ''] ?? 400
  const reason = STATUS_CODES[status] ?? 'Bad Request'
  const body = JSON.stringify(errorAnswer(failure('INVALID_PARAMETER', { name: 'request', reason }), now).body)
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

const rawStatus: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

function retryAfter({ details }: Failure, now: number): number {
  const until = details.untilMs
  return typeof until === 'number' ? Math.max(1, Math.ceil((until - now) / 1000)) : RETRY_AFTER
}

/** Failures that the HTTP framework finds before a route is reached. */
function ofFramework(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error ? error.code : ''
  if ('validation' in error) return failure('INVALID_PARAMETER', invalid(error))
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return failure('UNSUPPORTED_MEDIA_TYPE', {})
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return failure('PAYLOAD_TOO_LARGE', {})
  const status = 'statusCode' in error ? error.statusCode : 500
  if (status === 503) return failure('NOT_READY', { reason: 'The server has too much to do' })
  const ours = typeof status === 'number' && status >= 400 && status < 500
  return ours ? failure('INVALID_PARAMETER', { name: 'request', reason: error.message }) : undefined
}

function invalid(error: Error): { name: string; reason: string } {
  const part = 'validationContext' in error ? String(error.validationContext) : 'request'
  const list: unknown = 'validation' in error ? error.validation : []
  const first: unknown = Array.isArray(list) ? list[0] : undefined
  const path = text(first, 'instancePath').slice(1)
  return { name: path || part, reason: text(first, 'message') || 'is not valid' }
}

const text = (value: unknown, key: string): string => {
  if (typeof value !== 'object' || value === null) return ''
  const found: unknown = Reflect.get(value, key)
  return typeof found === 'string' ? found : ''
}
