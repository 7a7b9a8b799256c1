/** Every failure the system names. `retry` says whether trying again can help; `status` is what REST answers with. */
const failures = {
  INVALID_TIMEFRAME: {
    status: 400,
    retry: false,
    text: (d: { timeframe: string }) => `There is no timeframe ${JSON.stringify(d.timeframe)}`,
  },
  INVALID_PARAMETER: {
    status: 400,
    retry: false,
    text: (d: { name: string; reason: string }) => `${d.name}: ${d.reason}`,
  },
  INVALID_RANGE: { status: 400, retry: false, text: () => 'start lies after end' },
  INVALID_SETTING: {
    status: 500,
    retry: false,
    text: (d: { name: string; reason: string }) => `${d.name}: ${d.reason}`,
  },
  SYMBOL_NOT_FOUND: {
    status: 404,
    retry: false,
    text: (d: { exchange: string; symbol: string }) => `${d.exchange} has no market ${d.symbol}`,
  },
  EXCHANGE_NOT_FOUND: {
    status: 404,
    retry: false,
    text: (d: { exchange: string }) => `There is no exchange ${d.exchange}`,
  },
  NOT_FOUND: { status: 404, retry: false, text: (d: { path: string }) => `There is nothing at ${d.path}` },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retry: false,
    text: (d: { method: string; allowed: string }) => `${d.method} is not possible here, ${d.allowed} is`,
  },
  PAYLOAD_TOO_LARGE: { status: 413, retry: false, text: () => 'The body is larger than 1 MiB' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retry: false, text: () => 'The body must be JSON' },
  NOT_READY: { status: 503, retry: true, text: (d: { reason: string }) => d.reason },
  NO_DATA: { status: 404, retry: true, text: (d: { symbol: string }) => `No price of ${d.symbol} is known yet` },
  EXCHANGE_ERROR: {
    status: 502,
    retry: false,
    text: (d: { exchange: string; status: number; reason: string }) =>
      `${d.exchange} answered ${d.status}: ${d.reason}`,
  },
  EXCHANGE_BUSY: {
    status: 502,
    retry: true,
    text: (d: { exchange: string; status: number; reason: string }) =>
      `${d.exchange} answered ${d.status}: ${d.reason}`,
  },
  EXCHANGE_LIMITED: {
    status: 503,
    retry: true,
    text: (d: { exchange: string; untilMs: number }) =>
      `${d.exchange} wants no request before ${new Date(d.untilMs).toISOString()}`,
  },
  EXCHANGE_TIMEOUT: {
    status: 504,
    retry: true,
    text: (d: { exchange: string; path: string }) => `${d.exchange} did not answer ${d.path} in time`,
  },
  EXCHANGE_UNREACHABLE: {
    status: 503,
    retry: true,
    text: (d: { exchange: string; reason: string }) => `${d.exchange} can't be reached: ${d.reason}`,
  },
  EXCHANGE_ANSWER: {
    status: 502,
    retry: false,
    text: (d: { exchange: string; path: string; reason: string }) =>
      `${d.exchange} answered ${d.path} with something else than documented: ${d.reason}`,
  },
  STORE_UNAVAILABLE: {
    status: 503,
    retry: true,
    text: (d: { reason: string }) => `The store does not answer: ${d.reason}`,
  },
  STORE_DAMAGED: {
    status: 500,
    retry: false,
    text: (d: { path: string; reason: string }) => `The store ${d.path} can't be opened: ${d.reason}`,
  },
  CACHE_UNAVAILABLE: {
    status: 503,
    retry: true,
    text: (d: { reason: string }) => `The cache does not answer: ${d.reason}`,
  },
  QUEUE_UNAVAILABLE: {
    status: 503,
    retry: true,
    text: (d: { reason: string }) => `The queue does not answer: ${d.reason}`,
  },
  BUS_UNAVAILABLE: {
    status: 503,
    retry: true,
    text: (d: { reason: string }) => `The event log does not answer: ${d.reason}`,
  },
  BUS_REFUSED: {
    status: 500,
    retry: false,
    text: (d: { topic: string; reason: string }) => `The event log refuses a record for ${d.topic}: ${d.reason}`,
  },
  INVALID_FILE: {
    status: 400,
    retry: false,
    text: (d: { file: string; line?: number; reason: string }) =>
      `${d.file}${d.line ? `, line ${d.line}` : ''}: ${d.reason}`,
  },
} as const

export type FailureCode = keyof typeof failures
type Details<C extends FailureCode> =
  Parameters<(typeof failures)[C]['text']> extends [infer D] ? D : Record<string, never>

/** An error that carries its code, HTTP status, whether a retry can help, and details that are safe to show. */
export interface Failure extends Error {
  readonly code: FailureCode
  readonly status: number
  readonly retry: boolean
  readonly details: Record<string, unknown>
}

export function failure<C extends FailureCode>(code: C, details: Details<C>, cause?: unknown): Failure {
  const { status, retry, text } = failures[code]
  const message = (text as (d: Details<C>) => string)(details)
  return Object.assign(new Error(message, { cause }), {
    code,
    status,
    retry,
    details: details as Record<string, unknown>,
  })
}

export const isFailure = (error: unknown): error is Failure =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in failures
