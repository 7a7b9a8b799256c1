import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { failure } from '../../lib/failure.ts'
import { makeFolder } from '../../lib/folder.ts'

/**
 * Keeps a second server away from a store: two would both write what only one of them knows to be whole. The lock is
 * SQLite's own on a file beside the store's, so the system lifts it however the process ends. Commands that only read,
 * or add history, need none. Returns what lifts it. Rejects with `STORE_UNAVAILABLE` when another process holds it.
 */
export async function lockStore(path: string): Promise<() => void> {
  let lock: DatabaseSync | undefined
  await makeFolder(dirname(path)).catch((error: unknown) => {
    throw failure('STORE_UNAVAILABLE', { reason: `its folder ${dirname(path)} can't be made: ${textOf(error)}` }, error)
  })
  try {
    lock = new DatabaseSync(`${path}.lock`, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock?.close()
    const text = textOf(error)
    const reason = text.includes('locked') ? `another server uses ${path}` : `${path} can't be locked: ${text}`
    throw failure('STORE_UNAVAILABLE', { reason }, error)
  }
  const held = lock
  return () => held.close()
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
