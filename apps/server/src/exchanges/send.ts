import { failure, isFailure } from '../lib/failure.ts'

const MAX_BODY = 64 * 1024 * 1024

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

export interface Sending {
  readonly exchange: string
  readonly url: string
  /** What a failure names; the full address may hold a signature. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly fetch: typeof globalThis.fetch
  readonly signal?: AbortSignal | undefined
}

/**
 * One GET request and its whole body. Rejects with `EXCHANGE_TIMEOUT`, `EXCHANGE_UNREACHABLE`, `EXCHANGE_ANSWER`
 * (body above 64 MiB) or the signal's reason. Follows no redirect: keys go to one host only.
 */
export async function send({ exchange, url, path, headers, timeoutMs, fetch, signal }: Sending): Promise<Answer> {
  const stop = new AbortController()
  const onAbort = () => stop.abort(signal?.reason)
  const timer = setTimeout(() => stop.abort(failure('EXCHANGE_TIMEOUT', { exchange, path })), timeoutMs)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const response = await fetch(url, { headers, signal: stop.signal, redirect: 'manual' })
    const body = await readBody(response, () => failure('EXCHANGE_ANSWER', { exchange, path, reason: 'above 64 MiB' }))
    return { status: response.status, headers: response.headers, body }
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason
    if (isFailure(error)) throw error
    throw failure('EXCHANGE_UNREACHABLE', { exchange, reason: reasonOf(error) })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

async function readBody(response: Response, tooLarge: () => Error): Promise<string> {
  if (!response.body) return ''
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body) {
    size += part.length
    if (size > MAX_BODY) throw tooLarge()
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

/** The system's code, such as ECONNREFUSED; other texts might repeat the address. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return 'the connection failed'
}
