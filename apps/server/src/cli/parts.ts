import { join } from 'node:path'
import { createBackfill, type Progress } from '../backfill/backfill.ts'
import { createCollector } from '../collect/collector.ts'
import { quarantineFile } from '../collect/quarantineFile.ts'
import type { Config } from '../config.ts'
import { knownIntervals } from '../domain/coverage.ts'
import type { Market } from '../domain/market.ts'
import { createRestClient } from '../exchanges/client.ts'
import { exchange as exchangeOf } from '../exchanges/index.ts'
import type { Logger } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { createReconciler } from '../reconcile/reconcile.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import { lockStore } from '../store/embedded/lock.ts'
import type { ServerStore } from '../store/store.ts'
import { openBus } from './bus.ts'
import { openOutside } from './outside.ts'
import { databaseStore, lockDatabases } from './store.ts'

/** Coverage that ended longer ago is not gone on from without a trade. */
const RECENT_MS = 60 * 60_000

export interface PartsDeps {
  readonly config: Config
  readonly log: Logger
  /** Ends the wait for a database that does not answer yet. */
  readonly signal: AbortSignal
  /** Told as history is filled. */
  readonly progress?: (progress: Progress) => void
}

export type Parts = Awaited<ReturnType<typeof createParts>>

/** Everything that one process is made of, made and not yet running. Whoever takes it closes `eventLog`, `outside` and `store`. */
export async function createParts({ config, log, signal, progress }: PartsDeps) {
  const metrics = createMetrics()
  const exchange = exchangeOf(config.PRIMARY_EXCHANGE)
  const urls = config.urls[exchange.id] ?? {}
  const { store, lock } = await openStore(config, log, signal)
  const outside = await openOutside({ config, log, metrics }).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  const eventLog = await openBus({ config, role: 'all', log, metrics }).catch(async (error: unknown) => {
    await outside.close()
    await store.close()
    throw error
  })
  const { bus } = eventLog
  const rest = createRestClient({
    exchange,
    url: urls.rest ?? exchange.restUrl,
    weightLimit: config.rateLimits[exchange.id],
    sharedBudget: outside.budget(exchange),
    log,
    metrics,
  })
  const setAside = quarantineFile({ folder: join(config.CANDLEWIRE_DATA, 'quarantine'), name: exchange.id, log })
  /** All markets of the exchange by symbol, empty until it has answered; and the symbols that are collected. */
  const markets = new Map<string, Market>()
  const collected = new Set<string>()
  const symbols = () => [...collected]

  const collector = createCollector({
    exchange,
    rest,
    wsUrl: urls.ws ?? exchange.wsUrl,
    bus,
    lastTrade: (market) => store.lastTrade(market),
    known: async (market) => {
      const range = { from: Date.now() - RECENT_MS, to: Date.now() + RECENT_MS }
      return knownIntervals(await store.coverage(market, 'trades', range)).at(-1)
    },
    symbols: [],
    channels: config.RECONCILE ? ['ticker', 'candles'] : ['ticker'],
    settings: { hotHot: config.HOT_HOT },
    quarantineFile: setAside.add,
    log: log.child({ role: 'collect' }),
    metrics,
  })
  /** The exchange's clock minus ours, ms, until the collector has measured it better. */
  const clock = { offset: 0 }
  const exchangeNow = offsetClock(() => collector.status().clockOffset ?? clock.offset)
  const shared = { rest, bus, store, symbols, timeframes: config.timeframes, metrics, now: exchangeNow }
  const backfill = createBackfill({
    ...shared,
    exchange,
    lookbackHours: config.GAP_LOOKBACK_HOURS,
    scanEverySeconds: config.GAP_SCAN_SECONDS,
    log: log.child({ role: 'backfill' }),
    progress,
  })
  const reconciler = createReconciler({
    ...shared,
    settleMs: config.ALLOWED_LATENESS_MS + 1_000,
    log: log.child({ role: 'reconcile' }),
  })
  return {
    clock,
    config,
    log,
    metrics,
    exchange,
    rest,
    store,
    lock,
    outside,
    setAside,
    eventLog,
    bus,
    markets,
    collected,
    collector,
    backfill,
    reconciler,
  }
}

/** How long a reading of the offset is good for: the clock is measured every few minutes, and asked for all the time. */
const OFFSET_MS = 1_000

/** The exchange's clock, ms: ours plus an offset that is asked for now and then. */
function offsetClock(offset: () => number): () => number {
  let known = { at: Number.NEGATIVE_INFINITY, offset: 0 }
  return () => {
    const at = Date.now()
    if (Math.abs(at - known.at) >= OFFSET_MS) known = { at, offset: offset() }
    return at + known.offset
  }
}

/** One complete server to a store: a second one is refused. Closing the store lifts the lock. */
async function openStore(config: Config, log: Logger, signal: AbortSignal) {
  const lock = await lockDatabases(config.databases, log, signal)
  try {
    const store = (await databaseStore(config.databases, log, signal)) ?? (await embedded(config, log))
    return { lock, store: { ...store, close: () => store.close().finally(lock.release) } }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function embedded(config: Config, log: Logger): Promise<ServerStore> {
  const path = join(config.CANDLEWIRE_DATA, 'candlewire.db')
  const unlock = await lockStore(path)
  try {
    const file = await embeddedStore({ path, synchronous: config.STORE_SYNCHRONOUS, log })
    return { ...file, close: () => file.close().finally(unlock) }
  } catch (error) {
    unlock()
    throw error
  }
}
