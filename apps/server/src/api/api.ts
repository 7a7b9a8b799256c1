import type { AddressInfo } from 'node:net'
import { nextOpen, timeframe } from '../domain/timeframe.ts'
import { failure } from '../lib/failure.ts'
import { buildApi } from './app.ts'
import { createFeedBoard } from './board.ts'
import { createCoverageNotices } from './coverage.ts'
import type { ApiDeps } from './deps.ts'
import { followBus } from './feed.ts'
import { createHub } from './live/hub.ts'
import { attachLive } from './live/server.ts'
import { createSegmentCache } from './series/cache.ts'
import { createLiveState } from './state.ts'
import type { Views } from './views.ts'

/** A running API. */
export interface RunningApi {
  /** As `http://127.0.0.1:8080`. */
  readonly url: string
  /** Resolves when the signal has aborted and all is closed. Rejects when the bus fails. */
  readonly done: Promise<void>
}

/** The views of an API that has not seen anything yet. */
export function createViews({ limits, metrics, options, now }: ApiDeps): Views {
  return {
    state: createLiveState(),
    board: createFeedBoard(),
    hub: createHub({ pendingMessages: limits.pendingMessages, metrics, now }),
    cache: createSegmentCache({ keepMs: options.candleCacheMs, now }),
  }
}

/** Serves REST, WebSocket, documentation and dashboard until the signal aborts. Resolves when it listens; rejects with `INVALID_SETTING` where it can't. */
export async function serveApi(deps: ApiDeps, signal: AbortSignal): Promise<RunningApi> {
  const views = createViews(deps)
  const app = await buildApi(deps, views)
  const live = attachLive(app.server, views.hub, deps)
  const close = async () => {
    await live.close()
    await app.close()
  }
  try {
    await app.listen({ host: deps.options.host, port: deps.options.port })
  } catch (error) {
    await close()
    throw portProblem(error, deps.options.port)
  }
  if (!isLoopback(deps.options.host))
    deps.log.warn({ host: deps.options.host }, 'everyone who reaches this host may read')
  const done = follow(deps, views, signal).finally(close)
  return { url: urlOf(app.server.address(), deps.options.host), done }
}

function follow(deps: ApiDeps, { hub, state, board, cache }: Views, signal: AbortSignal): Promise<void> {
  const { bus, metrics, now } = deps
  return followBus(
    {
      bus,
      hub,
      state,
      board,
      metrics,
      now,
      onClosed: (candle) =>
        cache.invalidate(candle, { from: candle.time, to: nextOpen(timeframe(candle.timeframe), candle.time) }),
      onFilled: (filled) => cache.invalidate(filled, filled),
      onCoverage: createCoverageNotices(deps.catalog, { hub, state, cache }),
    },
    signal,
  )
}

function portProblem(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return failure('INVALID_SETTING', { name: 'port', reason: `${port} is taken` }, error)
  if (code === 'EACCES') return failure('INVALID_SETTING', { name: 'port', reason: `${port} is not allowed` }, error)
  return error
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' && address ? address.port : 0
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
