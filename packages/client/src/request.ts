import { type Fields, hasShape, isFields } from './frames.ts'
import { RestError } from './rest-error.ts'

export type Reply = unknown

interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: object
  readonly signal?: AbortSignal | undefined
  /** The answer has no envelope. */
  readonly plain?: boolean
  /** A bad status whose body is an answer all the same. */
  readonly alsoStatus?: number
}

/** Makes the one function all calls go through: address, envelope, errors. */
export function requester(baseUrl: string, fetch: typeof globalThis.fetch) {
  const base = baseUrl.replace(/\/+$/, '')

  return async function request<T>(path: string, is: (value: Reply) => value is T, options: RequestOptions = {}) {
    const response = await send(fetch, `${base}${path}${search(options.query)}`, options)
    const body = await read(response, options.signal)
    if (!response.ok && response.status !== options.alsoStatus) throw refusal(response, body)
    const data = options.plain ? body : isFields(body) && body.success === true ? body.data : undefined
    if (is(data)) return data
    throw new RestError('BAD_ANSWER', `${path} answered with something else`, { status: response.status })
  }
}

async function send(fetch: typeof globalThis.fetch, url: string, { body, signal }: RequestOptions): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      ...(signal && { signal }),
    })
  } catch (cause) {
    signal?.throwIfAborted()
    throw new RestError('UNREACHABLE', `No answer from ${url}`, { cause })
  }
}

async function read(response: Response, signal: AbortSignal | undefined): Promise<unknown> {
  try {
    return await response.json()
  } catch (cause) {
    signal?.throwIfAborted()
    if (!response.ok) return undefined
    throw new RestError('BAD_ANSWER', 'The answer is not JSON', { status: response.status, cause })
  }
}

function refusal(response: Response, body: unknown): RestError {
  const error: Fields = isFields(body) && hasShape(body.error, { code: 'string', message: 'string' }) ? body.error : {}
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new RestError(String(error.code ?? `HTTP_${response.status}`), String(error.message ?? response.statusText), {
    status: response.status,
    ...(isFields(error.details) && { details: error.details }),
    ...(Number.isFinite(seconds) && { retryAfterMs: seconds * 1000 }),
  })
}

function search(query: RequestOptions['query'] = {}): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined)
  return entries.length ? `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}` : ''
}
