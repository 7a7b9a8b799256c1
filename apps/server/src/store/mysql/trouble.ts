import { failure, isFailure } from '../../lib/failure.ts'

// https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/
const DEADLOCK = 1213
/** Another transaction came first; MariaDB, and MySQL in a group of servers, say so in words of their own. */
const CONFLICTS = [DEADLOCK, 1020, 3101]
/** After these the server has closed the connection. */
const CLOSED = [1053, 1927, 3169, 4031]
const UNAVAILABLE: Record<number, string> = {
  1021: 'its disk is full: make room, nothing written so far is lost',
  1040: 'it has no connection left: raise max_connections',
  1044: 'the user may not use the database',
  1045: 'it refuses the user or the password',
  1049: 'it has no such database: create it first',
  1053: 'it is shutting down',
  1114: 'its disk is full: make room, nothing written so far is lost',
  1129: 'it has blocked this host after too many errors',
  1142: 'the user may not read, write or create tables',
  1205: 'another process holds the rows and does not let go',
  1203: 'this user has no connection left: raise max_user_connections',
  [DEADLOCK]: 'others kept changing the same rows',
  1020: 'others kept changing the same rows',
  1226: 'this user may not ask more for now',
  1290: 'it is read-only',
  1317: 'somebody ended the query',
  1698: 'it refuses the user or the password',
  1792: 'it is read-only',
  1836: 'it is read-only',
  1927: 'somebody closed the connection',
  1969: 'the query took too long',
  3024: 'the query took too long',
  3032: 'it is offline for maintenance',
  3100: 'its group of servers does not take it',
  3101: 'others kept changing the same rows',
  3169: 'somebody closed the connection',
  4031: 'it closed a connection that was idle',
}
/** A text too long, a number out of range, a wrong value: https://dev.mysql.com/doc/refman/8.0/en/sql-mode.html */
const REFUSED = [1264, 1366, 1406]

/** Turns what the driver or the server says into a failure of ours. A fault of ours stays a plain error. */
export function failureOf(error: unknown, name: string): Error {
  if (isFailure(error)) return error
  const reason = messageOf(error)
  const number = numberOf(error)
  const known = UNAVAILABLE[number]
  if (known || isLost(error)) {
    return failure('STORE_UNAVAILABLE', { reason: `${name}: ${known ? `${known} (${reason})` : reason}` }, error)
  }
  if (REFUSED.includes(number)) return failure('INVALID_PARAMETER', { name: 'what was to be stored', reason }, error)
  return new Error(`The store ${name} failed: ${reason}`, { cause: error })
}

/** The server chose this transaction to let another one go on: again, it will work. */
export const isDeadlock = (error: unknown): boolean => CONFLICTS.includes(numberOf(error))

/** The index that was to be made is there. */
export const isThereAlready = (error: unknown): boolean => numberOf(error) === 1061

/** No answer came, or the connection can't be used any more. */
export const isLost = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  if (('fatal' in error && error.fatal === true) || CLOSED.includes(numberOf(error))) return true
  const code = codeOf(error)
  // Without a code: the pool is closed, or has no room for another who waits.
  return code === undefined ? numberOf(error) === 0 && isOfDriver(error) : /^(E[A-Z]+$|EAI_|PROTOCOL_)/.test(code)
}

const isOfDriver = (error: Error): boolean => /pool|queue limit|closed state/i.test(error.message)

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const numberOf = (error: unknown): number =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' && error.errno > 0 ? error.errno : 0

/** A refused connection to several addresses has no message of its own. */
const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message || (codeOf(error) ?? error.name) : String(error)
