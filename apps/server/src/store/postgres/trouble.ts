import { DatabaseError } from 'pg'
import { type Failure, failure, isFailure } from '../../lib/failure.ts'

// SQLSTATE codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
/** Classes and codes after which the same call may succeed: connection, resources, operator, turn-taking. */
const PASSING = /^(08|53|57|58|40|55P03|55006|25006|25P0[34])/
/** A text with a NUL, a number out of range. */
const UNFIT = /^22/
/** Only a person can help: the password, the database or its rights. */
const REFUSED = /^(28|3D000|42501)/

/**
 * Puts an error of the server, the driver or the network into our words. `where` names the database, without secrets.
 * What a retry can help becomes `STORE_UNAVAILABLE`, what a person must mend `STORE_DAMAGED`, a value that
 * fits nowhere `INVALID_PARAMETER`, the rest a fault of ours.
 */
export function failureOf(error: unknown, where: string): Failure | Error {
  if (isFailure(error)) return error
  const reason = error instanceof Error ? error.message || nameOf(error) : String(error)
  if (error instanceof DatabaseError) {
    const code = error.code ?? ''
    if (PASSING.test(code)) return failure('STORE_UNAVAILABLE', { reason: `${where}: ${reason}` }, error)
    if (UNFIT.test(code)) return failure('INVALID_PARAMETER', { name: 'what was to be stored', reason }, error)
    if (REFUSED.test(code)) return failure('STORE_DAMAGED', { path: where, reason }, error)
  } else if (isOfTheLine(error)) return failure('STORE_UNAVAILABLE', { reason: `${where}: ${reason}` }, error)
  return new Error(`The store ${where} failed: ${reason}`, { cause: error })
}

/** The network's errors carry the name of a system call; the driver's own ("connection terminated") are plain ones. */
const isOfTheLine = (error: unknown): boolean =>
  error instanceof Error &&
  ('syscall' in error || 'errors' in error || Object.getPrototypeOf(error) === Error.prototype)

/** An error that joins several tries (IPv6, IPv4) has a code and no message. */
const nameOf = (error: Error): string => ('code' in error ? String(error.code) : error.name)
