/** A REST call that brought no data. `code` is the server's, or `UNREACHABLE` / `BAD_ANSWER` from this side. */
export class RestError extends Error {
  override readonly name = 'RestError'
  readonly code: string
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly details: Readonly<Record<string, unknown>>
  /** What `Retry-After` asks for, ms. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: string,
    message: string,
    more: { status?: number; details?: Readonly<Record<string, unknown>>; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause })
    this.code = code
    this.status = more.status ?? 0
    this.details = more.details ?? {}
    this.retryAfterMs = more.retryAfterMs
  }
}
