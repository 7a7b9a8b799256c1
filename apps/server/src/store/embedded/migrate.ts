import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { command, query } from './sql.ts'
import { damaged } from './trouble.ts'

const FOLDER = join(import.meta.dirname, 'migrations')
/** Marks the file as ours: `CNDL`. */
const APPLICATION_ID = 0x434e444c

/**
 * Brings the file to the newest schema. Several processes may do so at once: each migration's number goes in first,
 * inside its transaction, so the second to arrive sees it and goes on. Throws for a file of a newer version or of another program.
 */
export function migrate(db: DatabaseSync, folder = FOLDER): void {
  claim(db)
  const steps = readdirSync(folder)
    .filter((name) => /^\d{6}\.sql$/.test(name))
    .sort()
  const newest = Number(steps.at(-1)?.slice(0, 6) ?? 0)
  const [present] = query<[number]>(db, 'SELECT coalesce(max(number), 0) FROM migrations')()[0]!
  if (present > newest) {
    throw damaged(
      `a newer version of this program wrote it (schema ${present}, this one knows up to ${newest}). ` +
        'Update the program, or give it another data folder',
    )
  }
  const take = command(db, 'INSERT INTO migrations (number, applied_at) VALUES (?, ?) ON CONFLICT DO NOTHING')
  for (const step of steps) {
    inTransaction(db, () => {
      if (take(Number(step.slice(0, 6)), Date.now()) === 1) db.exec(readFileSync(join(folder, step), 'utf8'))
    })
  }
}

function claim(db: DatabaseSync): void {
  inTransaction(db, () => {
    const [id] = query<[number]>(db, 'PRAGMA application_id')()[0]!
    if (id === APPLICATION_ID) return
    const [tables] = query<[number]>(db, 'SELECT count(*) FROM sqlite_schema')()[0]!
    if (id !== 0 || tables > 0) throw damaged('it belongs to another program. Give this one another data folder')
    db.exec(`PRAGMA application_id = ${APPLICATION_ID};
      CREATE TABLE migrations (number INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT`)
  })
}

/** Runs `work` with the right to write, from the start: a reader that turns writer could be refused half-way. */
export function inTransaction<R>(db: DatabaseSync, work: () => R): R {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // A full disk or a damaged page has rolled back already.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
