import { bareApp } from './bare.ts'
import type { ApiDeps } from './deps.ts'
import { listen, type RunningApi } from './listen.ts'
import { watchMethods } from './methods.ts'
import { healthApi } from './rest/health.ts'
import { historyApi } from './rest/history.ts'
import { metricsApi } from './rest/metrics.ts'
import { statsApi } from './rest/stats.ts'

interface OperationDeps extends Omit<ApiDeps, 'bus' | 'limits'> {
  /** Also `POST /fetch-historical` and `GET /stats`. */
  readonly control: boolean
}

/**
 * The small HTTP side of a process that serves no market data: `/health`, `/ready`, `/metrics`, and what its parts add.
 * Runs until the signal aborts; rejects with `INVALID_SETTING` where it can't listen.
 */
export async function serveOperation(deps: OperationDeps, signal: AbortSignal): Promise<RunningApi> {
  const app = await bareApp(deps)
  const refuseOtherMethods = watchMethods(app)
  await app.register(healthApi(deps))
  await app.register(metricsApi(deps.metrics))
  if (deps.control) {
    await app.register(statsApi(deps))
    await app.register(historyApi(deps))
  }
  for (const plugin of deps.extras ?? []) await app.register(plugin)
  refuseOtherMethods()
  const { url, close } = await listen(app, deps)
  const done = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  }).finally(close)
  return { url, done }
}
