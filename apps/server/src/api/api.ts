import { nextOpen, timeframe } from '../domain/timeframe.ts'
import { buildApi } from './app.ts'
import { createFeedBoard } from './board.ts'
import { createCoverageNotices } from './coverage.ts'
import type { ApiDeps } from './deps.ts'
import { followBus } from './feed.ts'
import { type Listening, listen, type RunningApi } from './listen.ts'
import { createHub } from './live/hub.ts'
import { createLive } from './live/server.ts'
import { createSegmentCache } from './series/cache.ts'
import { createLiveState } from './state.ts'
import type { Views } from './views.ts'

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
  const live = createLive(views.hub, deps)
  let listening: Listening
  try {
    listening = await listen(app, deps, live.attach)
  } catch (error) {
    await live.close()
    throw error
  }
  const close = async () => {
    await live.close()
    await listening.close()
  }
  const done = follow(deps, views, signal).finally(close)
  return { url: listening.url, done }
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
