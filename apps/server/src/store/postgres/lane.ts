import type { Candle } from '../../domain/candle.ts'
import type { Coverage } from '../../domain/coverage.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { Message } from '../../domain/message.ts'
import type { Trade } from '../../domain/trade.ts'
import { failure, isFailure } from '../../lib/failure.ts'
import { fifo } from '../../lib/fifo.ts'
import type { Job } from '../store.ts'

/** A candle and when it became known to us, ms. */
export interface KnownCandle {
  readonly candle: Candle
  readonly knownAt: number
}

/** What one transaction writes. Lists keep the order in which it was put. */
export interface Batch {
  readonly candles: readonly KnownCandle[]
  readonly trades: readonly Trade[]
  readonly coverage: readonly Coverage[]
  readonly ledger: readonly LedgerRow[]
  readonly jobs: readonly Job[]
  readonly messages: readonly Message[]
}

interface Waiting {
  readonly batch: Partial<Batch>
  readonly rows: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A transaction takes what waits until it holds this many rows. */
const ROWS_PER_TRANSACTION = 10_000
/** Writes that wait; who awaits each write never gets near. */
const MAX_WAITING = 10_000

/**
 * One transaction after the other, in the order of the calls; what comes while one runs shares the next. When a shared
 * one fails by the fault of a row, each call is tried by itself, so that only the one at fault suffers.
 */
export function createLane(write: (batch: Batch) => Promise<void>) {
  const waiting = fifo<Waiting>()
  let running: Promise<void> | undefined
  let closed = false
  let trouble: unknown

  function next(): Waiting[] {
    const some: Waiting[] = []
    let rows = 0
    while (waiting.size() > 0 && (some.length === 0 || rows + waiting.peek()!.rows <= ROWS_PER_TRANSACTION)) {
      const one = waiting.shift()!
      rows += one.rows
      some.push(one)
    }
    return some
  }

  async function commit(some: readonly Waiting[]): Promise<void> {
    try {
      await write(joined(some.map(({ batch }) => batch)))
      trouble = undefined
      for (const { resolve } of some) resolve()
    } catch (error) {
      const passing = isFailure(error) && error.retry
      if (some.length === 1 || passing) {
        // A row that can't be stored is its writer's trouble, not the database's.
        if (!isFailure(error) || error.code !== 'INVALID_PARAMETER') trouble = error
        for (const { reject } of some) reject(error)
      } else for (const one of some) await commit([one])
    }
  }

  async function run(): Promise<void> {
    // What is put in the same turn of the event loop shares a transaction.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.size() > 0) await commit(next())
    running = undefined
  }

  return {
    /** Resolves when it is committed. `rows` says how large it is. */
    put(batch: Partial<Batch>, rows: number): Promise<void> {
      if (closed) return Promise.reject(failure('STORE_UNAVAILABLE', { reason: 'it is closed' }))
      if (waiting.size() >= MAX_WAITING) {
        const reason = `${MAX_WAITING} writes wait already; the database does not keep up`
        return Promise.reject(failure('STORE_UNAVAILABLE', { reason }))
      }
      return new Promise((resolve, reject) => {
        waiting.push({ batch, rows, resolve, reject })
        running ??= run()
      })
    },
    /** Why the newest transaction failed, while none has succeeded since. */
    trouble: () => trouble,
    /** Commits what waits. */
    async close(): Promise<void> {
      closed = true
      await running
    },
  }
}

const joined = (batches: readonly Partial<Batch>[]): Batch => ({
  candles: batches.flatMap(({ candles = [] }) => candles),
  trades: batches.flatMap(({ trades = [] }) => trades),
  coverage: batches.flatMap(({ coverage = [] }) => coverage),
  ledger: batches.flatMap(({ ledger = [] }) => ledger),
  jobs: batches.flatMap(({ jobs = [] }) => jobs),
  messages: batches.flatMap(({ messages = [] }) => messages),
})
