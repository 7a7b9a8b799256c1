import { DatabaseSync } from 'node:sqlite'
import { migrate } from './migrate.ts'
import { isBusy } from './trouble.ts'

export interface FileSettings {
  readonly path: string
  /** `NORMAL` may lose the last moments when the power fails, never more; `FULL` syncs each commit. */
  readonly synchronous: 'NORMAL' | 'FULL'
  /** How long to wait for another process that is writing, ms. */
  readonly busyMs: number
}

const CACHE_KIB = 64 * 1024
/** Pages in the log before they are moved into the file. */
const CHECKPOINT_PAGES = 4_000
/** What the log file keeps of the disk after a checkpoint, bytes. */
const LOG_BYTES = 64 * 1024 * 1024

/** The connection that writes. Creates the file and brings it to the newest schema. */
export function openForWriting({ path, synchronous, busyMs }: FileSettings): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyMs })
  try {
    patiently(busyMs, () => db.exec('PRAGMA journal_mode = WAL'))
    db.exec(`PRAGMA synchronous = ${synchronous};
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${LOG_BYTES};
      PRAGMA temp_store = MEMORY;
      PRAGMA foreign_keys = OFF`)
    migrate(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** The connection that reads; the file must be there. It sees each commit as soon as it is done. */
export function openForReading({ path, busyMs }: FileSettings): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: busyMs })
  db.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`)
  return db
}

/** Two processes that turn a new file to WAL at once: SQLite refuses one without waiting, so the waiting is done here. */
function patiently<R>(ms: number, work: () => R): R {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (const end = Date.now() + ms; ; Atomics.wait(pause, 0, 0, 20)) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || Date.now() > end) throw error
    }
  }
}
