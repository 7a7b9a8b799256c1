import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { candleWriter } from './candles.ts'
import { coverageWriter } from './coverage.ts'
import { type FileSettings, openForWriting } from './file.ts'
import { jobWriter } from './jobs.ts'
import { ledgerWriter } from './ledger.ts'
import { messageWriter } from './messages.ts'
import { inTransaction } from './migrate.ts'
import { givenNames } from './names.ts'
import type { Op } from './pack.ts'
import { pruner } from './prune.ts'
import { query } from './sql.ts'
import { tradeWriter } from './trades.ts'
import { type Trouble, troubleOf } from './trouble.ts'

/** What became of one op: rows written, or why not. */
export type Outcome = { readonly rows: number } | { readonly trouble: Trouble }
/** `opened` comes once, then one `done` for each list of ops. */
export type FromThread =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly trouble: Trouble }
  | { readonly kind: 'done'; readonly outcomes: Outcome[] }
/** A list of ops becomes one transaction; `close` ends the thread. */
export type ToThread = { readonly kind: 'write'; readonly ops: Op[] } | { readonly kind: 'close' }

function writerOf(db: DatabaseSync) {
  const names = givenNames(db)
  const candles = candleWriter(db, names)
  const saveTrades = tradeWriter(db, names)
  const cover = coverageWriter(db, names)
  const saveJob = jobWriter(db)
  const saveLedger = ledgerWriter(db, names)
  const prune = pruner(db)
  const saveMessages = messageWriter(db)
  const dataVersion = query<[number]>(db, 'PRAGMA data_version')
  let version = -1

  const forget = () => {
    names.forget()
    candles.forget()
  }
  const apply = (op: Op): number => {
    if (op.kind === 'candles') return candles.write(op)
    if (op.kind === 'prune') return prune(op)
    if (op.kind === 'cover') return cover(op.intervals)
    if (op.kind === 'job') return saveJob(op.job)
    if (op.kind === 'ledger') return saveLedger(op.rows)
    if (op.kind === 'messages') return saveMessages(op.messages)
    return saveTrades(op) + (op.covered.length > 0 ? cover(op.covered) : 0)
  }
  /** The version changes when another process has written: then what we remember may be old. */
  const refresh = () => {
    const [now] = dataVersion()[0]!
    if (now !== version) forget()
    version = now
  }

  return function commit(ops: readonly Op[]): Outcome[] {
    try {
      return inTransaction(db, () => {
        refresh()
        return ops.map((op) => ({ rows: apply(op) }))
      })
    } catch (error) {
      forget()
      const trouble = troubleOf(error)
      if (ops.length === 1 || trouble.kind !== 'other') return ops.map(() => ({ trouble }))
      // One of them is at fault; the others shall not suffer for it.
      return ops.flatMap((op) => commit([op]))
    }
  }
}

function serve(port: NonNullable<typeof parentPort>, settings: FileSettings): void {
  const say = (message: FromThread) => port.postMessage(message)
  try {
    const db = openForWriting(settings)
    const commit = writerOf(db)
    port.on('message', (message: ToThread) => {
      if (message.kind === 'write') {
        say({ kind: 'done', outcomes: commit(message.ops) })
      } else {
        db.close()
        port.close()
      }
    })
    say({ kind: 'opened' })
  } catch (error) {
    say({ kind: 'refused', trouble: troubleOf(error) })
  }
}

if (parentPort) serve(parentPort, workerData)
