import { finished } from 'node:stream/promises'
import { Pool, type PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { failure } from '../../lib/failure.ts'
import type { Logger } from '../../lib/log.ts'
import { failureOf } from './trouble.ts'

export interface DatabaseSettings {
  /** `postgres://user:password@host:port/database`; parameters as libpq names them, `sslmode` among them. */
  readonly url: string
  /** Connections at most; one suffices. */
  readonly connections?: number
  /** How long a statement may take, ms. Deleting old trades is not bound by it. */
  readonly statementMs?: number
  /** How long to wait for a connection, ms. */
  readonly connectMs?: number
}

export type Parameter = string | number | boolean | Buffer | null
/** Columns as the server prints them. */
export type Text = string | null

export interface Session {
  /** Rows as arrays of text; `R` is what the columns of the schema vouch for. */
  query<R extends readonly Text[] = string[]>(sql: string, parameters?: readonly Parameter[]): Promise<R[]>
  /** Sends the content of a `COPY … FROM STDIN`. */
  copy(sql: string, content: Buffer): Promise<void>
}

export interface Database extends Session {
  /** Host, port and name, fit to be shown. */
  readonly where: string
  /** Commits what `work` did when it resolves. A connection in which anything failed is not used again. */
  transaction<R>(work: (session: Session) => Promise<R>, options?: { unhurried?: boolean }): Promise<R>
  close(): Promise<void>
}

/** Values stay text: each reader knows what its columns are. */
const types = { getTypeParser: () => (value: string) => value }
/** What a statement may take when nobody waits for it, ms. */
const UNHURRIED_MS = 60 * 60_000
/** The server ends a statement first; this ends the wait for a server that is gone without a word, ms. */
const GRACE_MS = 5_000

/**
 * A pool of connections that opens none until it is asked to. Calls reject with `STORE_UNAVAILABLE` while the server
 * is away and work again once it is back; `STORE_DAMAGED` when it refuses us. Throws `INVALID_SETTING`.
 */
export function openDatabase(settings: DatabaseSettings, log: Logger): Database {
  const { url, connections = 8, statementMs = 60_000, connectMs = 10_000 } = settings
  const where = placeOf(url)
  const pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: connectMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementMs,
    query_timeout: statementMs + GRACE_MS,
    lock_timeout: Math.ceil(statementMs / 2),
    idle_in_transaction_session_timeout: statementMs,
    keepAlive: true,
    application_name: 'candlewire',
  })
  // A connection that breaks while nobody uses it is replaced; one in use fails the call that uses it.
  const lost = (error: Error) => log.debug({ reason: error.message }, `${where}: a connection was lost`)
  pool.on('error', lost)
  pool.on('connect', (client) => void client.on('error', lost))
  let closing: Promise<void> | undefined

  function sessionOf(client: PoolClient, waitMs?: number): Session {
    const wait = waitMs === undefined ? {} : { query_timeout: waitMs }
    return {
      async query<R extends readonly Text[]>(text: string, parameters: readonly Parameter[] = []) {
        const query = { text, values: [...parameters], rowMode: 'array' as const, types, ...wait }
        return (await client.query<R & Text[]>(query)).rows
      },
      async copy(sql, content) {
        const stream = client.query(copyFrom(sql))
        stream.end(content)
        await finished(stream)
      },
    }
  }

  async function withSession<R>(work: (session: Session) => Promise<R>, waitMs?: number): Promise<R> {
    if (closing) throw failure('STORE_UNAVAILABLE', { reason: 'it is closed' })
    let client: PoolClient | undefined
    try {
      client = await pool.connect()
      const result = await work(sessionOf(client, waitMs))
      client.release()
      return result
    } catch (error) {
      client?.release(true)
      throw failureOf(error, where)
    }
  }

  return {
    where,
    query: (sql, parameters) => withSession((session) => session.query(sql, parameters)),
    copy: (sql, content) => withSession((session) => session.copy(sql, content)),
    transaction: (work, { unhurried = false } = {}) =>
      withSession(
        async (session) => {
          await session.query('BEGIN')
          if (unhurried) await session.query(`SET LOCAL statement_timeout = ${UNHURRIED_MS}`)
          const result = await work(session)
          await session.query('COMMIT')
          return result
        },
        unhurried ? UNHURRIED_MS + GRACE_MS : undefined,
      ),
    close: () => (closing ??= pool.end()),
  }
}

export function placeOf(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url)
    return `postgres://${hostname}:${port || 5432}${pathname}`
  } catch {
    // The text itself may hold a password.
    throw failure('INVALID_SETTING', { name: 'DATABASE_URL', reason: 'not an address like postgres://user@host/name' })
  }
}
