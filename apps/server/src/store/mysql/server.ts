import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, type Pool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import type { Address } from './address.ts'
import { createSockets } from './sockets.ts'
import type { Session, Value } from './sql.ts'
import { isDeadlock, isLost } from './trouble.ts'

export interface ServerSettings {
  /** How long a connection may take to open, ms. */
  readonly connectMs: number
  /** How long a statement may take, ms. */
  readonly statementMs: number
  /** Connections that read; writing has one more. */
  readonly readers: number
}

export interface Server {
  /** Each statement by itself, on any free connection that reads. */
  readonly reading: Session
  /** Each statement by itself, on the connection that writes. */
  readonly writing: Session
  /** `work` on one connection from START TRANSACTION to COMMIT; tried again when the server had to break a deadlock. */
  transaction<R>(work: (session: Session) => Promise<R>): Promise<R>
  /** One connection that writes, for what belongs to a connection: locks by name. A statement may take `ms`. */
  hold<R>(ms: number, work: (session: Session) => Promise<R>): Promise<R>
  close(): Promise<void>
}

/** Reads that wait for a connection. */
const MAX_WAITING = 10_000
const IDLE_MS = 60_000
const DEADLOCK_TRIES = 5
/** Whatever the server's own settings are: nothing is cut to fit silently, times are UTC, readers see what is committed. */
const SETUP = [
  `SET SESSION time_zone = '+00:00',
     sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
]

/** Opens nothing yet: each call connects where no connection is free, so a server that comes back is used at once. */
export function createServer({ options }: Address, { connectMs, statementMs, readers }: ServerSettings): Server {
  const sockets = createSockets(options.host, options.port)
  const poolOf = (connectionLimit: number): Pool => {
    const pool = createPool({
      ...options,
      stream: sockets.open,
      charset: 'utf8mb4_bin',
      timezone: 'Z',
      connectTimeout: connectMs,
      connectionLimit,
      maxIdle: connectionLimit,
      idleTimeout: IDLE_MS,
      queueLimit: MAX_WAITING,
    })
    // The pool listens for one error; a connection that breaks may tell of several, and whoever uses it hears of it too.
    pool.on('connection', (connection) => connection.on('error', () => {}))
    return pool
  }
  /** A third of the time for the row that another transaction holds, so that the server says what was waited for. */
  const lockWait = `SET SESSION innodb_lock_wait_timeout = ${Math.max(1, Math.floor(statementMs / 3_000))}`
  const readPool = poolOf(readers)
  const writePool = poolOf(1)
  /** Connections whose session is set up. */
  const ready = new WeakSet<object>()
  const using = new Set<Promise<unknown>>()

  const sessionOn = (connection: PoolConnection, timeout = statementMs): Session => ({
    async rows<R extends readonly (number | string | null)[]>(sql: string, values: readonly Value[] = []) {
      const [rows] = await inTime(
        timeout,
        connection.execute<RowDataPacket[][]>({ sql, rowsAsArray: true }, [...values]),
      )
      return rows as unknown as R[]
    },
    async run(sql, values = []) {
      const [{ affectedRows }] = await inTime(timeout, connection.execute<ResultSetHeader>(sql, [...values]))
      return affectedRows
    },
  })

  async function onConnection<R>(pool: Pool, work: (session: Session, connection: PoolConnection) => Promise<R>) {
    const connection = await pool.getConnection()
    try {
      if (!ready.has(connection.connection)) {
        for (const sql of [...SETUP, lockWait]) await inTime(statementMs, connection.query(sql))
        ready.add(connection.connection)
      }
      const result = await work(sessionOn(connection), connection)
      connection.release()
      return result
    } catch (error) {
      // A statement that was given up may still run, and its answer would be taken for the next one's.
      if (isLost(error) || !ready.has(connection.connection)) connection.destroy()
      else connection.release()
      throw error
    }
  }

  /** Keeps count of what runs, so that closing waits for it. */
  function use<R>(work: Promise<R>): Promise<R> {
    using.add(work)
    const done = () => using.delete(work)
    work.then(done, done)
    return work
  }

  const anyOf = (pool: Pool): Session => ({
    rows: (sql, values) => use(onConnection(pool, (session) => session.rows(sql, values))),
    run: (sql, values) => use(onConnection(pool, (session) => session.run(sql, values))),
  })

  const once = <R>(work: (session: Session) => Promise<R>): Promise<R> =>
    onConnection(writePool, async (session, connection) => {
      const say = (sql: string) => inTime(statementMs, connection.query(sql))
      await say('START TRANSACTION')
      try {
        const result = await work(session)
        await say('COMMIT')
        return result
      } catch (error) {
        if (!isLost(error)) await say('ROLLBACK')
        throw error
      }
    })

  async function transaction<R>(work: (session: Session) => Promise<R>): Promise<R> {
    for (let left = DEADLOCK_TRIES; ; left--) {
      try {
        return await once(work)
      } catch (error) {
        if (!isDeadlock(error) || left <= 1) throw error
        await sleep(Math.random() * 20)
      }
    }
  }

  return {
    reading: anyOf(readPool),
    writing: anyOf(writePool),
    transaction: (work) => use(transaction(work)),
    hold: (ms, work) => use(onConnection(writePool, (_, connection) => work(sessionOn(connection, ms)))),
    async close() {
      await Promise.allSettled(using)
      await Promise.all([readPool.end(), writePool.end()])
      sockets.closeAll()
    },
  }
}

/** Rejects when there is no answer after `ms`. The driver's own limit leaves its timer behind when a connection breaks. */
export async function inTime<R>(ms: number, answer: Promise<R>): Promise<R> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = Object.assign(new Error(`no answer within ${ms} ms`), { code: 'ETIMEDOUT' })
    timer = setTimeout(() => reject(error), ms)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
