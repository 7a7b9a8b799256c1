import { join } from 'node:path'
import { setInterval as ticks } from 'node:timers/promises'
import { aggregate } from '../aggregate/aggregate.ts'
import { serveApi } from '../api/api.ts'
import { defaultLimits } from '../api/defaults.ts'
import { createBackfill, type Progress } from '../backfill/backfill.ts'
import { memoryBus } from '../bus/memory.ts'
import { createCollector } from '../collect/collector.ts'
import { followMarkets } from '../collect/lifecycle.ts'
import { quarantineFile } from '../collect/quarantineFile.ts'
import type { Config } from '../config.ts'
import type { Market } from '../domain/market.ts'
import { HOUR } from '../domain/timeframe.ts'
import { createRestClient } from '../exchanges/client.ts'
import { exchange as exchangeOf } from '../exchanges/index.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { record } from '../record/record.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import { lockStore } from '../store/embedded/lock.ts'
import { createBackend } from './backend.ts'
import { askUntilAnswered, chooseSymbols } from './markets.ts'
import { version } from './version.ts'

export interface Service {
  /** Where it listens. */
  readonly url: string
  /** Resolves when the signal has aborted and everything received is stored; rejects when a role failed. */
  readonly done: Promise<void>
}

export interface ServeDeps {
  readonly config: Config
  readonly log: Logger
  readonly signal: AbortSignal
  /** Told as history is filled. */
  readonly progress?: (progress: Progress) => void
  /** The built page. */
  readonly dashboardDir: string
}

/**
 * All roles in one process, on a memory bus and the embedded store.
 * It stops in the order of the data: intake first, then the roles that read the bus, then the store.
 */
export async function serve({ config, log, signal, progress, dashboardDir }: ServeDeps): Promise<Service> {
  const metrics = createMetrics()
  const exchange = exchangeOf(config.PRIMARY_EXCHANGE)
  const urls = config.urls[exchange.id] ?? {}
  const rest = createRestClient({
    exchange,
    url: urls.rest ?? exchange.restUrl,
    weightLimit: config.rateLimits[exchange.id],
    log,
    metrics,
  })
  const path = join(config.CANDLEWIRE_DATA, 'candlewire.db')
  const unlock = await lockStore(path)
  const file = await embeddedStore({ path, synchronous: config.STORE_SYNCHRONOUS, log }).catch((error: unknown) => {
    unlock()
    throw error
  })
  const store = { ...file, close: () => file.close().finally(unlock) }
  /** Intake stops with the signal, or when any role falls; the readers of the bus stop when intake has drained. */
  const intake = new AbortController()
  const flow = new AbortController()
  const stopIntake = () => intake.abort()
  signal.addEventListener('abort', stopIntake, { once: true })
  if (signal.aborted) stopIntake()

  const setAside = quarantineFile({ folder: join(config.CANDLEWIRE_DATA, 'quarantine'), name: exchange.id, log })
  const bus = memoryBus({ capacity: config.BUS_CAPACITY })
  const markets = new Map<string, Market>()
  const collector = createCollector({
    exchange,
    rest,
    wsUrl: urls.ws ?? exchange.wsUrl,
    bus,
    lastTrade: (market) => store.lastTrade(market),
    symbols: [],
    channels: ['ticker'],
    settings: { hotHot: config.HOT_HOT },
    quarantineFile: setAside.add,
    log: log.child({ role: 'collect' }),
    metrics,
  })
  const collected = new Set<string>()
  const backfill = createBackfill({
    exchange,
    rest,
    bus,
    store,
    symbols: () => [...collected],
    timeframes: config.timeframes,
    lookbackHours: config.GAP_LOOKBACK_HOURS,
    scanEverySeconds: config.GAP_SCAN_SECONDS,
    log: log.child({ role: 'backfill' }),
    metrics,
    progress,
    now: () => Date.now() + (collector.status().clockOffset ?? 0),
  })
  const backend = createBackend({
    store,
    rest,
    metrics,
    collector,
    backfill,
    config,
    symbols: () => [...collected],
    signal: flow.signal,
  })

  /** Runs a role; when one falls, all stop. */
  const failures: unknown[] = []
  const role = (run: Promise<void>) =>
    run.catch((error: unknown) => {
      failures.push(error)
      log.fatal(isFailure(error) ? { reason: error.message } : { err: error }, 'a role failed, stopping')
      intake.abort()
    })

  const readers = [
    aggregate(
      {
        bus,
        store,
        timeframes: config.timeframes,
        latenessMs: config.ALLOWED_LATENESS_MS,
        formingMs: config.FORMING_MS,
        log: log.child({ role: 'aggregate' }),
        metrics,
      },
      flow.signal,
    ),
    record(
      {
        bus,
        store,
        tradeRetentionMs: config.TRADE_RETENTION_HOURS * HOUR,
        log: log.child({ role: 'record' }),
        metrics,
      },
      flow.signal,
    ),
    sampleDepth(flow.signal),
  ].map(role)

  async function sampleDepth(stop: AbortSignal) {
    try {
      for await (const _ of ticks(1000, undefined, { signal: stop })) {
        for (const { topic, group, events } of bus.depth()) metrics.busDepth.set({ topic, group }, events)
        await backend.sample()
      }
    } catch (error) {
      if (!stop.aborted) throw error
    }
  }

  /** The API answers before the exchange does: a page that says "connecting" beats one that does not open. */
  const api = await serveApi(
    {
      store,
      bus,
      catalog: {
        exchanges: [{ id: exchange.id, name: exchange.name }],
        primaryExchange: exchange.id,
        timeframes: config.timeframes,
        // Until the exchange has answered nobody can say that it lacks a market.
        isMarket: ({ exchange: id, symbol }) => id === exchange.id && (markets.size === 0 || markets.has(symbol)),
      },
      backend,
      options: {
        host: config.HOST,
        port: config.WEBSOCKET_PORT,
        corsOrigins: config.corsOrigins,
        compression: config.WS_COMPRESSION,
        candleCacheMs: 5_000,
        dashboardDir,
        version,
        service: 'all',
      },
      limits: {
        ...defaultLimits,
        maxConnections: config.WEBSOCKET_MAX_CONNECTIONS,
        messagesPerSecond: config.WS_CLIENT_MESSAGES_PER_SECOND,
        messageBurst: 2 * config.WS_CLIENT_MESSAGES_PER_SECOND,
      },
      log: log.child({ role: 'api' }),
      metrics,
      now: Date.now,
    },
    flow.signal,
  ).catch(async (error: unknown) => {
    intake.abort()
    flow.abort()
    await Promise.all(readers)
    await store.close()
    throw error
  })

  const writers = [role(collect())]
  async function collect() {
    const known = await askUntilAnswered(rest, log, intake.signal)
    for (const market of known) markets.set(market.symbol, market)
    collector.know(known)
    const symbols = chooseSymbols(exchange.id, config.symbols, known)
    for (const symbol of symbols) collected.add(symbol)
    log.info({ exchange: exchange.id, symbols: symbols.length }, 'collecting')
    collector.add(symbols)
    const follow = followMarkets(
      {
        rest,
        bus,
        known,
        symbols,
        all: config.symbols.includes('*'),
        everyMs: config.MARKETS_REFRESH_SECONDS * 1_000,
        log: log.child({ role: 'collect' }),
        add(more) {
          for (const symbol of more) collected.add(symbol)
          collector.add(more)
        },
        remove(less) {
          for (const symbol of less) collected.delete(symbol)
          collector.remove(less)
        },
        halt: collector.halt,
        // What is delisted stays in the catalogue: its history can still be read.
        changed(list) {
          for (const market of list) markets.set(market.symbol, market)
        },
      },
      intake.signal,
    )
    await Promise.all([collector.run(intake.signal), backfill.run(intake.signal), follow])
  }

  const done = (async () => {
    try {
      await Promise.all(writers)
      flow.abort()
      await Promise.all([...readers, role(api.done)])
    } finally {
      signal.removeEventListener('abort', stopIntake)
      await setAside.settled()
      await store.close()
    }
    if (failures.length > 0) throw failures[0]
  })()
  return { url: api.url, done }
}
