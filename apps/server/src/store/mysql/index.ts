import { failure } from '../../lib/failure.ts'
import type { Logger } from '../../lib/log.ts'
import { checkCandle, checkInterval, checkLedger, checkMessage, checkTrade } from '../check.ts'
import type { MarketStore, MessageStore, Store } from '../store.ts'
import { readAddress } from './address.ts'
import { applier, type Op, rowsOf } from './apply.ts'
import { candleReader } from './candleReader.ts'
import { coverageReader } from './coverage.ts'
import { checkJob, jobReader } from './jobs.ts'
import { ledgerReader } from './ledger.ts'
import { messageReader } from './messages.ts'
import { migrate } from './migrate.ts'
import { createNames } from './names.ts'
import type { PruneOp } from './prune.ts'
import { createServer, type Server } from './server.ts'
import { tradeReader } from './trades.ts'
import { failureOf } from './trouble.ts'
import { createWriter } from './writer.ts'

export interface MysqlSettings {
  /** `mysql://user:password@host:3306/database`, `?ssl-mode=REQUIRED` or `VERIFY_IDENTITY` to encrypt. */
  readonly url: string
  readonly log: Logger
  /** Our clock, ms: what becomes known is stamped with it. */
  readonly now?: () => number
  /** How long a connection may take to open, ms. */
  readonly connectMs?: number
  /** How long a statement may take, ms. */
  readonly statementMs?: number
  /** Connections that read; writing has one more. */
  readonly readers?: number
}

export type MysqlStore = Store & MessageStore & MarketStore

/** Rows deleted by one transaction, so that other writes come in between. */
const PRUNE_SLICE = 5_000

/**
 * The store on a server: MySQL from 8.0, MariaDB from 10.6. The database must be there, its tables are made. Several
 * processes may use it at once. A server that goes away fails what it was doing; each later call tries again.
 * `historical_data`, `trading_pairs` and `exchanges` are for other programs to read.
 * Rejects with `STORE_UNAVAILABLE`, `STORE_DAMAGED` or `INVALID_SETTING`.
 */
export async function mysqlStore({ url, log, now = Date.now, ...limits }: MysqlSettings): Promise<MysqlStore> {
  const address = readAddress(url)
  const server = createServer(address, { connectMs: 10_000, statementMs: 30_000, readers: 8, ...limits })
  try {
    await migrate(server, address.name)
    const [version] = await server.reading.rows<[string]>('SELECT VERSION()')
    log.info({ server: address.name, version: version?.[0] }, 'store opened')
    return storeOf(server, address.name, now)
  } catch (error) {
    await server.close()
    throw failureOf(error, address.name)
  }
}

function storeOf(server: Server, name: string, now: () => number): MysqlStore {
  const names = createNames(now)
  const apply = applier(server, names, now)
  const writer = createWriter((ops) =>
    apply(ops).catch((error: unknown) => {
      // Somebody may have changed the database under us.
      names.forget()
      throw failureOf(error, name)
    }),
  )
  const candles = candleReader(server.reading, names)
  const trades = tradeReader(server.reading, names)
  const jobs = jobReader(server.reading)
  const coverage = coverageReader(server.reading, names)
  const ledger = ledgerReader(server.reading, names)
  const messages = messageReader(server.reading)
  let closing: Promise<void> | undefined

  async function reading<R>(work: () => Promise<R>): Promise<R> {
    if (closing) throw failure('STORE_UNAVAILABLE', { reason: 'it is closed' })
    try {
      return await work()
    } catch (error) {
      throw failureOf(error, name)
    }
  }

  /** An empty list is stored at once. */
  async function put(op: Exclude<Op, PruneOp>): Promise<void> {
    if (rowsOf(op) > 0) await writer.write(op)
  }

  async function prune(what: PruneOp['what'], before: number): Promise<number> {
    let deleted = 0
    for (;;) {
      const slice = await writer.write({ kind: 'prune', what, before, limit: PRUNE_SLICE })
      deleted += slice
      if (slice < PRUNE_SLICE) return deleted
    }
  }

  async function close(): Promise<void> {
    await writer.close()
    await server.close()
  }

  return {
    async putCandles(list) {
      list.forEach(checkCandle)
      await put({ kind: 'candles', list })
    },
    candles: (series, range) => reading(() => candles.candles(series, range)),
    revisions: (series, time) => reading(() => candles.revisions(series, time)),
    series: () => reading(() => candles.series()),
    pruneRevisions: (before) => prune('revisions', before),

    async putTrades(list, covered = []) {
      list.forEach(checkTrade)
      covered.forEach(checkInterval)
      await put({ kind: 'trades', list, covered })
    },
    trades: (market, range) => reading(() => trades.trades(market, range)),
    lastTrade: (market) => reading(() => trades.lastTrade(market)),
    pruneTrades: (before) => prune('trades', before),
    tradedMarkets: () => reading(() => trades.tradedMarkets()),

    async putLedger(list) {
      list.forEach(checkLedger)
      await put({ kind: 'ledger', list })
    },
    ledger: (market, range) => reading(() => ledger(market, range)),

    async cover(list) {
      list.forEach(checkInterval)
      await put({ kind: 'cover', list })
    },
    coverage: (market, series, range) => reading(() => coverage(market, series, range)),

    async putJob(job) {
      checkJob(job)
      await put({ kind: 'job', list: [job] })
    },
    job: (id) => reading(() => jobs.job(id)),
    jobs: (filter) => reading(() => jobs.jobs(filter)),
    pruneJobs: (before) => prune('jobs', before),

    putMarkets: (list) => put({ kind: 'markets', list }),

    async putMessages(list) {
      list.forEach(checkMessage)
      await put({ kind: 'messages', list })
    },
    messages: (range) => reading(() => messages(range)),

    async ping() {
      await reading(() => server.reading.rows('SELECT 1'))
      const trouble = writer.trouble()
      if (trouble) throw trouble
    },
    close: () => (closing ??= close()),
  }
}
