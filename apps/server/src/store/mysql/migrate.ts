import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../../lib/failure.ts'
import type { Server } from './server.ts'
import type { Session } from './sql.ts'
import { isThereAlready } from './trouble.ts'

const FOLDER = join(import.meta.dirname, 'migrations')
/** Seconds that a process waits while another one migrates. */
const WAIT = 60
/** Changing a large table takes its time, ms. */
const STATEMENT_MS = 60 * 60_000
/** Ours, told from the table of the same name that other programs keep. */
const OURS = 'candlewire'

/**
 * Brings the database to the newest schema. Several processes may do so at once: they take turns by a lock of the
 * server, which ends with its connection. MySQL can't undo a `CREATE TABLE`, so each statement of a migration may run
 * again after one that broke off. Throws `STORE_DAMAGED` for a database of a newer version or of another program.
 */
export function migrate(server: Server, name: string, folder = FOLDER): Promise<void> {
  return server.hold(STATEMENT_MS, async (session) => {
    const lock = await lockName(session)
    const [got] = await session.rows<[number | null]>('SELECT GET_LOCK(?, ?)', [lock, WAIT])
    if (got?.[0] !== 1) {
      throw failure('STORE_UNAVAILABLE', { reason: `${name}: another process has been migrating it for ${WAIT} s` })
    }
    try {
      await claim(session, name, tablesOf(folder))
      await bringUp(session, name, folder)
    } finally {
      await session.rows('SELECT RELEASE_LOCK(?)', [lock])
    }
  })
}

/** Locks are the server's, not the database's, and their names have at most 64 characters. */
async function lockName(session: Session): Promise<string> {
  const [row] = await session.rows<[string]>("SELECT CONCAT('candlewire ', SHA1(DATABASE()))")
  return row![0]
}

const stepsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /^\d{6}\.sql$/.test(name))
    .sort()
const numberOf = (step: string): number => Number(step.slice(0, 6))

const tablesOf = (folder: string): string[] =>
  stepsIn(folder).flatMap((step) =>
    [...readFileSync(join(folder, step), 'utf8').matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g)].map(
      ([, table]) => table!,
    ),
  )

/** Marks a database as ours, unless a table that we would make is there already. */
async function claim(session: Session, name: string, tables: readonly string[]): Promise<void> {
  const present = await session.rows<[string, string]>(
    'SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = DATABASE()',
  )
  const comments = new Map(present)
  if (comments.get('schema_migrations') === OURS) return
  const foreign = ['schema_migrations', ...tables].filter((table) => comments.has(table))
  if (foreign.length > 0) {
    const reason = `another program has made ${foreign.join(', ')} there. Give this one a database of its own`
    throw failure('STORE_DAMAGED', { path: name, reason })
  }
  await session.run(`CREATE TABLE schema_migrations (number INT NOT NULL PRIMARY KEY, applied_at DATETIME NOT NULL)
    ENGINE = InnoDB COMMENT = '${OURS}'`)
}

async function bringUp(session: Session, name: string, folder: string): Promise<void> {
  const steps = stepsIn(folder)
  const done = new Set((await session.rows<[number]>('SELECT number FROM schema_migrations')).map(([number]) => number))
  const [present, newest] = [Math.max(0, ...done), Math.max(0, ...steps.map(numberOf))]
  if (present > newest) {
    const reason =
      `a newer version of this program wrote it (schema ${present}, this one knows up to ${newest}). ` +
      'Update the program, or give it another database'
    throw failure('STORE_DAMAGED', { path: name, reason })
  }
  for (const step of steps) {
    if (done.has(numberOf(step))) continue
    for (const statement of statementsOf(readFileSync(join(folder, step), 'utf8'))) {
      await session.run(statement).catch(unlessDone)
    }
    await session.run('INSERT INTO schema_migrations (number, applied_at) VALUES (?, UTC_TIMESTAMP())', [
      numberOf(step),
    ])
  }
}

/** MariaDB can be asked to make an index unless it is there, MySQL can't. */
function unlessDone(error: unknown): void {
  if (!isThereAlready(error)) throw error
}

/** A statement ends with a semicolon at the end of a line. */
const statementsOf = (text: string): string[] =>
  text
    .replace(/^--.*$/gm, '')
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter(Boolean)
