import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { failure } from '../../lib/failure.ts'
import { makeFolder } from '../../lib/folder.ts'
import type { Logger } from '../../lib/log.ts'
import { checkCandle, checkInterval, checkLedger, checkMessage, checkTrade } from '../check.ts'
import type { MessageStore, Store } from '../store.ts'
import { candleReader } from './candles.ts'
import { coverageReader } from './coverage.ts'
import { type FileSettings, openForReading } from './file.ts'
import { jobReader } from './jobs.ts'
import { ledgerReader, tradedMarketReader } from './ledger.ts'
import { messageReader } from './messages.ts'
import { knownNames } from './names.ts'
import { packCandles, packCoverage, packTrades } from './pack.ts'
import { query } from './sql.ts'
import { tradeReader } from './trades.ts'
import { failureOf, troubleOf } from './trouble.ts'
import { startWriter, type Writer } from './writer.ts'

export interface EmbeddedSettings {
  /** The file; it and its folder are made when they are not there. */
  readonly path: string
  /** Default `NORMAL`: a power failure may cost the last moments, which are fetched again. `FULL` syncs each commit. */
  readonly synchronous?: 'NORMAL' | 'FULL'
  /** How long a write waits for another process that is writing, ms. */
  readonly busyMs?: number
  /** Our clock, ms: what becomes known is stamped with it. */
  readonly now?: () => number
  readonly log: Logger
}

/** Rows deleted by one transaction, so that other writes come in between. */
const PRUNE_SLICE = 5_000

/**
 * The store in one file of this machine: SQLite in WAL mode, written by a thread of its own, read from the main one.
 * Several processes may open the same file; their transactions take turns.
 * Rejects with `STORE_DAMAGED` or `STORE_UNAVAILABLE`.
 */
export async function embeddedStore({
  log,
  now = Date.now,
  ...settings
}: EmbeddedSettings): Promise<Store & MessageStore> {
  const file: FileSettings = { synchronous: 'NORMAL', busyMs: 10_000, ...settings }
  await makeFolderOf(file.path)
  const writer = await startWriter(file)
  try {
    const store = storeOf(openForReading(file), writer, file.path, now)
    log.info({ path: file.path, synchronous: file.synchronous }, 'store opened')
    return store
  } catch (error) {
    await writer.close()
    throw failureOf(troubleOf(error), file.path, error)
  }
}

async function makeFolderOf(path: string): Promise<void> {
  try {
    await makeFolder(dirname(path))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw failure('STORE_UNAVAILABLE', { reason: `the folder of ${path} can't be made: ${reason}` }, error)
  }
}

function storeOf(db: DatabaseSync, writer: Writer, path: string, now: () => number): Store & MessageStore {
  const names = knownNames(db)
  const candles = candleReader(db, names)
  const trades = tradeReader(db, names)
  const coverage = coverageReader(db, names)
  const jobs = jobReader(db)
  const ledger = ledgerReader(db, names)
  const tradedMarkets = tradedMarketReader(db)
  const messages = messageReader(db)
  const alive = query<[number]>(db, 'SELECT count(*) FROM migrations')
  let closing: Promise<void> | undefined

  async function reading<R>(work: () => R | Promise<R>): Promise<R> {
    try {
      if (!closing) return await work()
    } catch (error) {
      if (!closing) throw failureOf(troubleOf(error), path, error)
    }
    throw failure('STORE_UNAVAILABLE', { reason: 'it is closed' })
  }

  async function prune(what: 'trades' | 'revisions' | 'jobs', before: number): Promise<number> {
    let deleted = 0
    for (;;) {
      const slice = await writer.write(PRUNE_SLICE, () => ({ kind: 'prune', what, before, limit: PRUNE_SLICE }))
      deleted += slice
      if (slice < PRUNE_SLICE) return deleted
    }
  }

  async function close(): Promise<void> {
    // The reader first: the last connection to go moves the log into the file, and only the writer may.
    db.close()
    await writer.close()
  }

  return {
    async putCandles(list) {
      list.forEach(checkCandle)
      if (list.length > 0) await writer.write(list.length, () => packCandles(list, now()))
    },
    candles: (series, range) => reading(() => candles.range(series, range)),
    revisions: (series, time) => reading(() => candles.revisions(series, time)),
    series: () => reading(() => candles.series()),

    async putTrades(list, covered = []) {
      list.forEach(checkTrade)
      covered.forEach(checkInterval)
      const rows = list.length + covered.length
      if (rows > 0) await writer.write(rows, () => packTrades(list, covered))
    },
    trades: (market, range) => reading(() => trades.range(market, range)),
    lastTrade: (market) => reading(() => trades.last(market)),
    pruneTrades: (before) => prune('trades', before),
    pruneRevisions: (before) => prune('revisions', before),
    pruneJobs: (before) => prune('jobs', before),

    tradedMarkets: () => reading(tradedMarkets),

    async putLedger(rows) {
      rows.forEach(checkLedger)
      if (rows.length > 0) await writer.write(rows.length, () => ({ kind: 'ledger', rows }))
    },
    ledger: (market, range) => reading(() => ledger(market, range)),

    async cover(intervals) {
      intervals.forEach(checkInterval)
      if (intervals.length > 0) await writer.write(intervals.length, () => packCoverage(intervals))
    },
    coverage: (market, series, range) => reading(() => coverage(market, series, range)),

    async putJob(job) {
      await writer.write(1, () => ({ kind: 'job', job }))
    },
    job: (id) => reading(() => jobs.one(id)),
    jobs: (filter) => reading(() => jobs.list(filter?.state)),

    async putMessages(list) {
      list.forEach(checkMessage)
      if (list.length > 0) await writer.write(list.length, () => ({ kind: 'messages', messages: list }))
    },
    messages: (range) => reading(() => messages(range)),

    async ping() {
      await reading(() => alive())
      const trouble = writer.trouble()
      if (trouble) throw trouble
    },
    close: () => (closing ??= close()),
  }
}
