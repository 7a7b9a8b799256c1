import type { Logger } from '../../lib/log.ts'
import { checkCandle, checkInterval, checkLedger, checkMessage, checkTrade } from '../check.ts'
import type { MessageStore, Store } from '../store.ts'
import { candleReader } from './candleReader.ts'
import { candleWriter, pruneRevisions } from './candleWriter.ts'
import { coverageReader, coverageWriter } from './coverage.ts'
import { type Database, type DatabaseSettings, openDatabase } from './database.ts'
import { jobReader, pruneJobs, writeJobs } from './jobs.ts'
import { type Batch, createLane } from './lane.ts'
import { ledgerReader, ledgerWriter } from './ledger.ts'
import { messageReader, writeMessages } from './messages.ts'
import { type Layout, migrate } from './migrate.ts'
import { createNames, lockMarkets, type Names } from './names.ts'
import { createPartitions } from './partitions.ts'
import { pruneTrades, tradeReader, tradeWriter } from './trades.ts'

export interface PostgresSettings extends DatabaseSettings {
  /** Rows of one statement at most. */
  readonly statementRows?: number
  /** From this many candles on they go in by COPY where nothing can be in their way; `Infinity`: never. */
  readonly copyRows?: number
  /** Our clock, ms: what becomes known is stamped with it. */
  readonly now?: () => number
  readonly log: Logger
}

/**
 * The store in a PostgreSQL database, 13 or newer, in a schema `candlewire` of its own: cut by time into hypertables
 * where TimescaleDB is, into PostgreSQL's partitions elsewhere. Several processes may share it. A server that goes away
 * fails calls with `STORE_UNAVAILABLE`; once it is back they work again.
 * Rejects with `STORE_UNAVAILABLE`, with `STORE_DAMAGED` when the server refuses us, with `INVALID_SETTING`.
 */
export async function postgresStore({
  log,
  now = Date.now,
  ...settings
}: PostgresSettings): Promise<Store & MessageStore> {
  const database = openDatabase(settings, log)
  try {
    const layout = await migrate(database, log)
    log.info({ database: database.where, layout }, 'store opened')
    return storeOf(database, layout, now, settings)
  } catch (error) {
    await database.close()
    throw error
  }
}

type Sizes = Pick<PostgresSettings, 'statementRows' | 'copyRows'>

function storeOf(database: Database, layout: Layout, now: () => number, sizes: Sizes): Store & MessageStore {
  const names = createNames(database)
  const partitions = createPartitions(database, layout, now)
  const candles = candleReader(database, names)
  const trades = tradeReader(database, names)
  const coverage = coverageReader(database, names)
  const ledger = ledgerReader(database, names)
  const jobs = jobReader(database)
  const messages = messageReader(database)
  const write = batchWriter(database, names, sizes)
  const lane = createLane(async (batch) => {
    await prepare(batch)
    await write(batch)
  })
  let closing: Promise<void> | undefined

  /** Whatever must be there before the rows: their names, and the tables for their time. */
  async function prepare(batch: Batch): Promise<void> {
    const candles = batch.candles.map(({ candle }) => candle)
    await names.giveSeries(candles)
    await names.giveMarkets([...batch.trades, ...batch.coverage, ...batch.ledger])
    await partitions.forCandles(candles.map(({ time }) => time))
    await partitions.forTrades(batch.trades.map(({ time }) => time))
  }

  async function put(batch: Partial<Batch>, rows: number): Promise<void> {
    if (rows > 0) await lane.put(batch, rows)
  }

  async function close(): Promise<void> {
    await lane.close()
    await database.close()
  }

  return {
    async putCandles(list) {
      list.forEach(checkCandle)
      const knownAt = now()
      await put({ candles: list.map((candle) => ({ candle, knownAt })) }, list.length)
    },
    candles: candles.range,
    revisions: candles.revisions,
    series: candles.series,
    pruneRevisions: (before) => pruneRevisions(database, before),

    async putTrades(list, covered = []) {
      list.forEach(checkTrade)
      covered.forEach(checkInterval)
      await put({ trades: list, coverage: covered }, list.length + covered.length)
    },
    trades: trades.range,
    lastTrade: trades.last,
    async pruneTrades(before) {
      const deleted = await pruneTrades(database, before)
      partitions.forget()
      return deleted
    },
    tradedMarkets: trades.markets,

    async putLedger(rows) {
      rows.forEach(checkLedger)
      await put({ ledger: rows }, rows.length)
    },
    ledger,

    async cover(intervals) {
      intervals.forEach(checkInterval)
      await put({ coverage: intervals }, intervals.length)
    },
    coverage,

    putJob: (job) => put({ jobs: [job] }, 1),
    job: jobs.one,
    jobs: (filter) => jobs.list(filter?.state),
    pruneJobs: (before) => pruneJobs(database, before),

    async putMessages(list) {
      list.forEach(checkMessage)
      await put({ messages: list }, list.length)
    },
    messages,

    async ping() {
      await database.query('SELECT 1')
      const trouble = lane.trouble()
      if (trouble) throw trouble
    },
    close: () => (closing ??= close()),
  }
}

/**
 * Writes a batch with one transaction. Writers of one series, or of trades and coverage of one market, take turns, in all
 * processes, and none waits for another that waits for it.
 */
function batchWriter(database: Database, names: Names, { statementRows = 5_000, copyRows = 1_000 }: Sizes) {
  const writeCandles = candleWriter(names, { statement: statementRows, copy: copyRows })
  const writeTrades = tradeWriter(names, statementRows)
  const writeCoverage = coverageWriter(names)
  const writeLedger = ledgerWriter(names)
  return (batch: Batch): Promise<void> =>
    database.transaction(async (session) => {
      if (batch.candles.length > 0) await writeCandles(session, batch.candles)
      await lockMarkets(session, names, [...batch.trades, ...batch.coverage])
      if (batch.trades.length > 0) await writeTrades(session, batch.trades)
      if (batch.coverage.length > 0) await writeCoverage(session, batch.coverage)
      if (batch.ledger.length > 0) await writeLedger(session, batch.ledger)
      if (batch.jobs.length > 0) await writeJobs(session, batch.jobs)
      if (batch.messages.length > 0) await writeMessages(session, batch.messages, statementRows)
    })
}
