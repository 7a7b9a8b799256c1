import type { FastifyPluginAsync } from 'fastify'
import { serveApi } from '../api/api.ts'
import { defaultLimits } from '../api/defaults.ts'
import type { ApiDeps } from '../api/deps.ts'
import type { RunningApi } from '../api/listen.ts'
import { serveOperation } from '../api/operation.ts'
import { diagnosticApi } from '../dispatch/http.ts'
import type { createBackend } from './backend.ts'
import type { Parts } from './parts.ts'
import { version } from './version.ts'

/** Answers on the ports of the process: everything where it serves market data, else what concerns its operation. */
export function answer(
  parts: Parts,
  backend: ReturnType<typeof createBackend>,
  dashboardDir: string,
  signal: AbortSignal,
): Promise<RunningApi> {
  const deps = apiDeps(parts, backend, dashboardDir)
  const { parts: runs } = parts.assignment
  return runs.has('api') ? serveApi(deps, signal) : serveOperation({ ...deps, control: runs.has('backfill') }, signal)
}

function apiDeps(
  { assignment, services, dispatcher, config, log, metrics, exchange, bus, markets }: Parts,
  backend: ReturnType<typeof createBackend>,
  dashboardDir: string,
): ApiDeps {
  const [port = 0, ...morePorts] = assignment.ports
  const extras: FastifyPluginAsync[] = dispatcher ? [diagnosticApi({ dispatcher })] : []
  return {
    store: services.stores.store,
    bus,
    backend,
    extras,
    catalog: {
      exchanges: [{ id: exchange.id, name: exchange.name }],
      primaryExchange: exchange.id,
      timeframes: config.timeframes,
      // Until the exchange has answered nobody can say that it lacks a market.
      isMarket: ({ exchange: id, symbol }) => id === exchange.id && (markets.size === 0 || markets.has(symbol)),
    },
    options: {
      host: config.HOST,
      port,
      morePorts,
      corsOrigins: config.corsOrigins,
      compression: config.WS_COMPRESSION,
      candleCacheMs: config.CACHE_TTL_KLINES * 1_000,
      dashboardDir,
      version,
      service: assignment.service,
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
