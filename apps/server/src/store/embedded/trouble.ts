import { type Failure, failure } from '../../lib/failure.ts'

/** What went wrong with the file, in a form that passes between threads. */
export interface Trouble {
  /** `damaged`: only a person can help. `unavailable`: it may work again. `other`: a fault of ours. */
  readonly kind: 'damaged' | 'unavailable' | 'other'
  readonly reason: string
}

// SQLite's primary result codes: https://www.sqlite.org/rescode.html
const UNAVAILABLE: Record<number, string> = {
  3: 'the file may not be read or written',
  5: 'another process is writing to it and does not let go',
  6: 'another process is writing to it and does not let go',
  8: 'the file or its folder may not be written',
  10: 'the disk reported an error',
  13: 'the disk is full: make room, nothing written so far is lost',
  14: 'the file can’t be opened: does its folder exist, and may it be written?',
}
const DAMAGED: Record<number, string> = {
  11: 'its content is damaged',
  26: 'it is not a database, or its beginning is damaged',
}
const WAY_OUT = 'Move it and its -wal and -shm files aside and start again: candles are fetched anew from the exchanges'

/** Sorts an error of SQLite or of the file system. */
export function troubleOf(error: unknown): Trouble {
  if (isTrouble(error)) return { kind: error.kind, reason: error.reason }
  const reason = error instanceof Error ? error.message : String(error)
  const code = sqliteCode(error)
  if (code === undefined) return { kind: 'other', reason }
  if (DAMAGED[code]) return { kind: 'damaged', reason: `${DAMAGED[code]} (${reason}). ${WAY_OUT}` }
  if (UNAVAILABLE[code]) return { kind: 'unavailable', reason: `${UNAVAILABLE[code]} (${reason})` }
  return { kind: 'other', reason }
}

/** Thrown where the file itself is in order but not for us. */
export const damaged = (reason: string): Error & Trouble =>
  Object.assign(new Error(reason), { kind: 'damaged', reason } as const)

const isTrouble = (error: unknown): error is Error & Trouble =>
  error instanceof Error && 'kind' in error && error.kind === 'damaged' && 'reason' in error

/** Another connection holds the file at this moment. */
export const isBusy = (error: unknown): boolean => [5, 6].includes(sqliteCode(error) ?? 0)

/** The primary result code: the low byte of the extended one. */
const sqliteCode = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined

export function failureOf({ kind, reason }: Trouble, path: string, cause?: unknown): Failure | Error {
  if (kind === 'damaged') return failure('STORE_DAMAGED', { path, reason }, cause)
  if (kind === 'unavailable') return failure('STORE_UNAVAILABLE', { reason: `${path}: ${reason}` }, cause)
  return new Error(`The store ${path} failed: ${reason}`, { cause })
}
