import { failure, isFailure } from '../../lib/failure.ts'
import { fifo } from '../../lib/fifo.ts'
import { type Op, rowsOf } from './apply.ts'

export interface Writer {
  /** Resolves once it is committed, with the number of rows that were deleted as too old. */
  write(op: Op): Promise<number>
  /** Why the newest transaction failed, while none has succeeded since. */
  trouble(): unknown
  /** Commits what waits; everything after is refused. */
  close(): Promise<void>
}

interface Waiting {
  readonly op: Op
  readonly resolve: (deleted: number) => void
  readonly reject: (error: unknown) => void
}

/** A transaction takes writes until it holds this many rows, so that it stays short. */
const ROWS_PER_TRANSACTION = 10_000
/** Writes that wait; who awaits each write never gets near. */
const MAX_WAITING = 10_000

/** Puts writes in a row: what comes while one transaction runs shares the next one. */
export function createWriter(apply: (ops: readonly Op[]) => Promise<number>): Writer {
  const waiting = fifo<Waiting>()
  let running: Promise<void> | undefined
  let closed = false
  let trouble: unknown

  function next(): Waiting[] {
    const group: Waiting[] = []
    let rows = 0
    for (let one = waiting.peek(); one; one = waiting.peek()) {
      const alone = one.op.kind === 'prune'
      if (group.length > 0 && (alone || rows + rowsOf(one.op) > ROWS_PER_TRANSACTION)) break
      group.push(one)
      waiting.shift()
      rows += rowsOf(one.op)
      if (alone) break
    }
    return group
  }

  async function commit(group: readonly Waiting[]): Promise<void> {
    try {
      const deleted = await apply(group.map(({ op }) => op))
      trouble = undefined
      for (const { resolve } of group) resolve(deleted)
    } catch (error) {
      if (group.length === 1 || isForAll(error)) {
        // A row that can't be stored is its writer's trouble, not the server's.
        if (!isFailure(error) || error.code !== 'INVALID_PARAMETER') trouble = error
        for (const { reject } of group) reject(error)
      } else {
        // One of them is at fault; the others shall not suffer for it.
        for (const one of group) await commit([one])
      }
    }
  }

  async function run(): Promise<void> {
    // What several callers write in one turn of the event loop shares a transaction.
    await new Promise((resolve) => setImmediate(resolve))
    for (let group = next(); group.length > 0; group = next()) await commit(group)
    running = undefined
  }

  return {
    write(op) {
      if (closed) return Promise.reject(failure('STORE_UNAVAILABLE', { reason: 'it is closed' }))
      if (waiting.size() >= MAX_WAITING) {
        const reason = `${MAX_WAITING} writes wait already; the server does not keep up`
        return Promise.reject(failure('STORE_UNAVAILABLE', { reason }))
      }
      return new Promise((resolve, reject) => {
        waiting.push({ op, resolve, reject })
        running ??= run()
      })
    },
    trouble: () => trouble,
    async close() {
      closed = true
      await running
    },
  }
}

/** A server that does not answer one write will not answer the next. */
const isForAll = (error: unknown): boolean => isFailure(error) && error.retry
