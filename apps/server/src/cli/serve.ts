import { type RunningApi, serveApi } from '../api/api.ts'
import { defaultLimits } from '../api/defaults.ts'
import type { ApiDeps } from '../api/deps.ts'
import type { BackfillStatus } from '../backfill/backfill.ts'
import type { CollectorStatus } from '../collect/status.ts'
import { isFailure } from '../lib/failure.ts'
import { createBackend } from './backend.ts'
import { runIntake } from './intake.ts'
import { createParts, type Parts, type PartsDeps } from './parts.ts'
import { runReaders } from './readers.ts'
import { version } from './version.ts'

export interface Service {
  /** Where it listens. */
  readonly url: string
  /** Resolves when the signal has aborted and everything received is stored; rejects when a role failed. */
  readonly done: Promise<void>
  /** What it does at the moment. */
  status(): { readonly collect: CollectorStatus; readonly backfill: BackfillStatus }
}

export interface ServeDeps extends PartsDeps {
  /** The built page. */
  readonly dashboardDir: string
}

/**
 * All roles in one process, on one event log and one store. The API answers before the exchange does: a page that
 * says "connecting" beats one that does not open. It stops in the order of the data: intake first, then the roles that
 * read the bus, then the store; when one role fails, all stop.
 */
export async function serve({ dashboardDir, ...deps }: ServeDeps): Promise<Service> {
  const { log, signal } = deps
  const parts = await createParts(deps)
  const { collector, backfill, store, outside, eventLog, setAside } = parts
  const broken = new AbortController()
  const intake = AbortSignal.any([signal, broken.signal])
  const flow = new AbortController()
  const backend = createBackend({ ...parts, symbols: () => [...parts.collected], signal: flow.signal })

  const failures: unknown[] = []
  /** Runs a part; when it falls, intake ends, and with it everything. */
  const guarded = (run: Promise<void>) =>
    run.catch((error: unknown) => {
      failures.push(error)
      log.fatal(isFailure(error) ? { reason: error.message } : { err: error }, 'a role failed, stopping')
      broken.abort()
    })
  const readers = guarded(runReaders(parts, backend, flow.signal))
  const locked = guarded(parts.lock.run(flow.signal))
  const close = async () => {
    flow.abort()
    await readers
    await locked
    await setAside.settled()
    await eventLog.close()
    await outside.close()
    await store.close()
  }
  let api: RunningApi
  try {
    api = await serveApi(apiDeps(parts, backend, dashboardDir), flow.signal)
  } catch (error) {
    await close()
    throw error
  }
  const answering = guarded(api.done)
  const done = (async () => {
    await guarded(runIntake(parts, intake))
    flow.abort()
    await answering
    await close()
    if (failures.length > 0) throw failures[0]
  })()
  return { url: api.url, done, status: () => ({ collect: collector.status(), backfill: backfill.status() }) }
}

function apiDeps(
  { config, log, metrics, exchange, store, bus, markets }: Parts,
  backend: ReturnType<typeof createBackend>,
  dashboardDir: string,
): ApiDeps {
  return {
    store,
    bus,
    backend,
    catalog: {
      exchanges: [{ id: exchange.id, name: exchange.name }],
      primaryExchange: exchange.id,
      timeframes: config.timeframes,
      // Until the exchange has answered nobody can say that it lacks a market.
      isMarket: ({ exchange: id, symbol }) => id === exchange.id && (markets.size === 0 || markets.has(symbol)),
    },
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
  }
}
