import { Client } from 'pg'
import type { HeldLock, LockTaker } from '../serverLock.ts'
import { placeOf } from './database.ts'
import { failureOf } from './trouble.ts'

/** Any two numbers, the same in every version. */
const LOCK = [0x434e444c, 1]
const ANSWER_MS = 10_000
/** A process whose machine is gone without a word loses the lock about this soon, seconds. */
const SILENCE_S = 30

/** The lock of a complete server on a PostgreSQL database, held by a connection of its own. Throws `INVALID_SETTING`. */
export function postgresLock(url: string): LockTaker {
  const name = placeOf(url)
  return {
    name,
    async take() {
      const client = new Client({
        connectionString: url,
        connectionTimeoutMillis: ANSWER_MS,
        query_timeout: ANSWER_MS,
        keepAlive: true,
        application_name: 'candlewire lock',
      })
      // Whoever asks for the lock next hears of it.
      client.on('error', () => {})
      try {
        await client.connect()
        await client.query(`SET tcp_keepalives_idle = ${SILENCE_S / 2}`)
        await client.query(`SET tcp_keepalives_interval = ${SILENCE_S / 6}`)
        await client.query('SET tcp_keepalives_count = 3')
        const { rows } = await client.query({
          text: 'SELECT pg_try_advisory_lock($1, $2)',
          values: LOCK,
          rowMode: 'array',
        })
        if (rows[0]?.[0] === true) return heldBy(client, name)
        await client.end()
        return undefined
      } catch (error) {
        await client.end().catch(() => {})
        throw failureOf(error, name)
      }
    },
  }
}

const heldBy = (client: Client, name: string): HeldLock => ({
  // The lock lasts as long as the session.
  async check() {
    await client.query('SELECT 1').catch((error: unknown) => {
      throw failureOf(error, name)
    })
  },
  async release() {
    // The server notices the end of a session only after a while.
    await client.query('SELECT pg_advisory_unlock($1, $2)', LOCK).catch(() => {})
    await client.end().catch(() => {})
  },
})
