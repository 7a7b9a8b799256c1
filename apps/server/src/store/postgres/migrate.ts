import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { failure, isFailure } from '../../lib/failure.ts'
import type { Logger } from '../../lib/log.ts'
import type { Database, Session } from './database.ts'

const FOLDER = join(import.meta.dirname, 'migrations')
/** Any number, the same in every version: whoever holds it may change the schema. */
const LOCK = 0x434e444c

/** Who cuts the tables by time: TimescaleDB, or PostgreSQL's own partitions. It stays as it was at the first start. */
export type Layout = 'timescale' | 'partitions'

/**
 * Brings the database to the newest schema, all or nothing. Several processes may do so at once: they take turns, and
 * the second finds it done. Everything lives in a schema of its own, `candlewire`. Rejects with `STORE_DAMAGED` for a
 * schema of a newer version of this program.
 */
export async function migrate(database: Database, log: Logger, folder = FOLDER): Promise<Layout> {
  const steps = readdirSync(folder)
    .filter((name) => /^\d{6}\.sql$/.test(name))
    .sort()
  const newest = Number(steps.at(-1)?.slice(0, 6) ?? 0)
  await offerTimescale(database, log)
  return database.transaction(async (session) => {
    await session.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
    await createHome(session)
    const done = new Set((await session.query('SELECT number FROM candlewire.schema_migrations')).map(Number))
    const present = Math.max(0, ...done)
    if (present > newest) {
      const reason = `a newer version of this program wrote it (schema ${present}, this one knows up to ${newest})`
      throw failure('STORE_DAMAGED', { path: database.where, reason: `${reason}. Update the program` })
    }
    const [extension] = await session.query("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    for (const step of steps) {
      const number = Number(step.slice(0, 6))
      if (done.has(number)) continue
      const sql = readFileSync(join(folder, step), 'utf8')
      await session.query(sql.replaceAll('/* BY TIME */', extension ? '' : 'PARTITION BY RANGE (time)'))
      await session.query('INSERT INTO candlewire.schema_migrations (number) VALUES ($1)', [number])
    }
    const [kind] = await session.query("SELECT relkind FROM pg_class WHERE oid = to_regclass('candlewire.candles')")
    return kind?.[0] === 'p' ? 'partitions' : 'timescale'
  })
}

/** A user without the right to create schemas may be given one. */
async function createHome(session: Session): Promise<void> {
  const [home] = await session.query("SELECT nspname FROM pg_namespace WHERE nspname = 'candlewire'")
  if (!home) await session.query('CREATE SCHEMA candlewire')
  await session.query(
    `CREATE TABLE IF NOT EXISTS candlewire.schema_migrations (
       number integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now()
     )`,
  )
}

/** TimescaleDB that is installed but not yet switched on in this database is switched on, where we may. */
async function offerTimescale(database: Database, log: Logger): Promise<void> {
  const [home] = await database.query("SELECT to_regclass('candlewire.schema_migrations')")
  if (home?.[0]) return
  const [installed] = await database.query("SELECT name FROM pg_available_extensions WHERE name = 'timescaledb'")
  if (!installed) return
  try {
    await database.query('CREATE EXTENSION IF NOT EXISTS timescaledb')
  } catch (error) {
    if (isFailure(error) && error.retry) throw error
    const reason = error instanceof Error ? error.message : String(error)
    log.warn({ reason }, `${database.where}: TimescaleDB can't be switched on; PostgreSQL's own partitions are used`)
  }
}
