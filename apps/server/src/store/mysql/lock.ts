import { type Connection, createConnection } from 'mysql2/promise'
import { failure } from '../../lib/failure.ts'
import type { HeldLock, LockTaker } from '../serverLock.ts'
import { readAddress } from './address.ts'
import { inTime } from './server.ts'
import { createSockets } from './sockets.ts'
import { failureOf } from './trouble.ts'

const ANSWER_MS = 10_000
/** A process whose machine is gone without a word loses the lock about this soon, seconds. */
const SILENCE_S = 30
/** Locks are the server's, not the database's, and their names have at most 64 characters. */
const NAME = "CONCAT('candlewire server ', SHA1(DATABASE()))"

/** The lock of a complete server on a MySQL database, held by a connection of its own. Throws `INVALID_SETTING`. */
export function mysqlLock(url: string): LockTaker {
  const { options, name } = readAddress(url)
  return {
    name,
    async take() {
      let connection: Connection | undefined
      try {
        const stream = createSockets(options.host, options.port).open
        connection = await createConnection({ ...options, stream, connectTimeout: ANSWER_MS })
        // Whoever asks for the lock next hears of it.
        connection.on('error', () => {})
        await ask(connection, `SET SESSION wait_timeout = ${SILENCE_S}`)
        if ((await ask(connection, `SELECT GET_LOCK(${NAME}, 0)`)) === 1) return heldBy(connection, name)
        connection.destroy()
        return undefined
      } catch (error) {
        connection?.destroy()
        throw failureOf(error, name)
      }
    },
  }
}

const heldBy = (connection: Connection, name: string): HeldLock => ({
  async check() {
    const mine = await ask(connection, `SELECT IS_USED_LOCK(${NAME}) = CONNECTION_ID()`).catch((error: unknown) => {
      throw failureOf(error, name)
    })
    if (mine !== 1) throw failure('STORE_UNAVAILABLE', { reason: `${name}: the server does not hold it any more` })
  },
  async release() {
    // The server notices the end of a connection only after a while.
    await ask(connection, `SELECT RELEASE_LOCK(${NAME})`).catch(() => {})
    connection.destroy()
  },
})

/** The first column of the first row, if there is one. */
async function ask(connection: Connection, sql: string): Promise<unknown> {
  const [rows] = await inTime(ANSWER_MS, connection.query({ sql, rowsAsArray: true }))
  return Array.isArray(rows) && Array.isArray(rows[0]) ? rows[0][0] : undefined
}
