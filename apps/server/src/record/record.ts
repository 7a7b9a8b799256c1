import type { Batch, Bus } from '../bus/bus.ts'
import type { Coverage } from '../domain/coverage.ts'
import { MINUTE } from '../domain/timeframe.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { persevere } from '../lib/persevere.ts'
import { everyTick } from '../lib/ticks.ts'
import { together } from '../lib/together.ts'
import type { Store } from '../store/store.ts'
import { createCoverageOfTrades } from './coverage.ts'
import { createLedger, unfinishedDay } from './ledger.ts'

export interface RecordDeps {
  readonly bus: Bus
  readonly store: Store
  /** Stored trades older than this are deleted when their UTC day is over, ms; `Infinity` keeps them. */
  readonly tradeRetentionMs: number
  /** How often the ledger is brought up to date and old trades are deleted, ms. */
  readonly pruneEveryMs?: number
  /** Our clock, ms. */
  readonly now?: () => number
  readonly log: Logger
  readonly metrics: Metrics
}

/**
 * The role: trades, what they say of coverage, and closed candles from the bus into the store, a write per bus batch;
 * a ledger row for each market and finished day.
 * While the store fails it waits and tries again, and the bus holds the writers back: nothing is dropped. Resolves when
 * the signal aborts and what was taken in is stored.
 */
export function record(deps: RecordDeps, signal: AbortSignal): Promise<void> {
  const { bus, store, tradeRetentionMs, pruneEveryMs = 5 * MINUTE, now = Date.now, log, metrics } = deps
  const coverage = createCoverageOfTrades(store)
  const ledger = createLedger(store, log)
  const latency = metrics.latency.labels({ stage: 'record' })

  async function takeTrades(batches: Batch<'trades'>, stop: AbortSignal): Promise<void> {
    const parts: Coverage[] = []
    for (const batch of batches) {
      parts.push(...(await persevere(() => coverage.of(batch), 'read coverage', log, stop)))
      coverage.keep(batch)
    }
    await persevere(() => storeTrades(batches, parts), 'store trades', log, stop)
  }

  async function storeTrades(batches: Batch<'trades'>, parts: readonly Coverage[]): Promise<void> {
    const rows = batches.flatMap((batch) => batch.trades)
    for (const batch of batches) ledger.touch(batch, batch.trades)
    if (rows.length + parts.length > 0) await store.putTrades(rows, parts)
    metrics.written.inc({ table: 'trades' }, rows.length)
    const [first] = rows
    if (first) latency.observe(Math.max(0, now() - first.received) / 1_000)
  }

  /** Forming candles will change; flat ones are drawn from coverage when they are read. */
  async function storeCandles(batch: Batch<'candles'>): Promise<void> {
    const closed = batch.filter((candle) => candle.closed && candle.source !== 'filled')
    if (closed.length > 0) await store.putCandles(closed)
    metrics.written.inc({ table: 'candles' }, closed.length)
  }

  /** A day's row first: it must outlive the day's trades. */
  async function keepHouse(stop: AbortSignal): Promise<void> {
    const time = now()
    await ledger.writeFinished(time, stop)
    if (!Number.isFinite(tradeRetentionMs) || stop.aborted) return
    const before = Math.min(time - tradeRetentionMs, unfinishedDay(time))
    await ledger.seal(before, time)
    const deleted = await store.pruneTrades(before)
    if (deleted > 0) log.info({ deleted }, 'old trades deleted')
  }

  return together(signal, [
    async (stop) => {
      for await (const batches of bus.subscribe('trades', 'record', stop)) await takeTrades(batches, stop)
    },
    async (stop) => {
      for await (const batch of bus.subscribe('candles', 'record', stop))
        await persevere(() => storeCandles(batch), 'store candles', log, stop)
    },
    (stop) =>
      everyTick(
        pruneEveryMs,
        () => persevere(() => keepHouse(stop), 'write the ledger and delete old trades', log, stop),
        stop,
      ),
  ])
}
