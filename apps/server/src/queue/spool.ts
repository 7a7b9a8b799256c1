import { renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { failure } from '../lib/failure.ts'
import { makeFolder } from '../lib/folder.ts'
import type { Logger } from '../lib/log.ts'

export interface Message {
  readonly id: string
  readonly name: string
  readonly body: string
}

export interface Spooled extends Message {
  /** Grows with each message. */
  readonly sequence: number
}

/** Lines of messages on the disk: first in, first out, and still there after a restart. Throws `QUEUE_UNAVAILABLE`. */
export interface Spool {
  /** Adds to the end of a line, all or nothing; leaves out ids that are in that line already. */
  append(line: string, messages: readonly Message[]): void
  /** Puts a message at the end of a line, in place of one with its id. */
  putLast(line: string, message: Message): void
  /** The first of a line. */
  first(line: string, limit: number): Spooled[]
  remove(line: string, sequences: readonly number[]): void
  /** Removes the first of a line until `keep` are left; gives how many. */
  trim(line: string, keep: number): number
  size(line: string): number
  close(): void
}

const DAMAGED = new Set([11, 26])

/** Opens the file, which belongs to this process alone; a damaged one is put aside. Rejects with `QUEUE_UNAVAILABLE`. */
export async function openSpool(path: string, log: Logger): Promise<Spool> {
  try {
    await makeFolder(dirname(path))
    try {
      return spoolOf(openFile(path))
    } catch (error) {
      if (!(error instanceof Error) || !('errcode' in error) || !DAMAGED.has(Number(error.errcode) & 0xff)) throw error
      renameSync(path, `${path}.damaged`)
      log.error({ path: `${path}.damaged`, err: error }, 'what waited to be sent is damaged: put aside')
      return spoolOf(openFile(path))
    }
  } catch (error) {
    throw unavailable(error, path)
  }
}

function unavailable(error: unknown, path: string): Error {
  const reason = error instanceof Error ? error.message : String(error)
  return failure('QUEUE_UNAVAILABLE', { reason: `${path}: ${reason}` }, error)
}

function openFile(path: string): DatabaseSync {
  const db = new DatabaseSync(path)
  try {
    // Two processes that send the same messages would send each twice.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    db.exec(`CREATE TABLE IF NOT EXISTS messages (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      line TEXT NOT NULL,
      id TEXT NOT NULL,
      name TEXT NOT NULL,
      body TEXT NOT NULL,
      UNIQUE (line, id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS messages_in_line ON messages (line, sequence)`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function spoolOf(db: DatabaseSync): Spool {
  const path = db.location() ?? ''
  const insert = db.prepare('INSERT INTO messages (line, id, name, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const select = db.prepare('SELECT sequence, id, name, body FROM messages WHERE line = ? ORDER BY sequence LIMIT ?')
  const eraseId = db.prepare('DELETE FROM messages WHERE line = ? AND id = ?')
  const erase = db.prepare('DELETE FROM messages WHERE sequence = ?')
  const eraseFirst = db.prepare(
    'DELETE FROM messages WHERE sequence IN (SELECT sequence FROM messages WHERE line = ? ORDER BY sequence LIMIT ?)',
  )
  const countAll = db.prepare('SELECT line, count(*) AS count FROM messages GROUP BY line')
  /** Counted once: a count reads the whole index. */
  const sizes = new Map(countAll.all().map(({ line, count }) => [String(line), Number(count)]))

  const size = (line: string) => sizes.get(line) ?? 0
  const grow = (line: string, by: number | bigint) => sizes.set(line, size(line) + Number(by))

  function guarded<R>(work: () => R): R {
    try {
      return work()
    } catch (error) {
      if (db.isOpen && db.isTransaction) db.exec('ROLLBACK')
      throw unavailable(error, path)
    }
  }
  /** Changes of one line in one transaction; `work` gives by how many it grew. */
  function change(line: string, work: () => number): number {
    return guarded(() => {
      db.exec('BEGIN')
      const by = work()
      db.exec('COMMIT')
      grow(line, by)
      return by
    })
  }

  return {
    append(line, messages) {
      change(line, () =>
        messages.reduce((sum, { id, name, body }) => sum + Number(insert.run(line, id, name, body).changes), 0),
      )
    },
    putLast(line, { id, name, body }) {
      change(line, () => -Number(eraseId.run(line, id).changes) + Number(insert.run(line, id, name, body).changes))
    },
    first: (line, limit) =>
      guarded(() =>
        select.all(line, limit).map(({ sequence, id, name, body }) => ({
          sequence: Number(sequence),
          id: String(id),
          name: String(name),
          body: String(body),
        })),
      ),
    remove(line, sequences) {
      change(line, () => -sequences.reduce((sum, sequence) => sum + Number(erase.run(sequence).changes), 0))
    },
    trim(line, keep) {
      const surplus = size(line) - keep
      return surplus > 0 ? -change(line, () => -Number(eraseFirst.run(line, surplus).changes)) : 0
    },
    size,
    close: () => db.close(),
  }
}
