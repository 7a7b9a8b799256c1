import { bareApp } from './bare.ts'
import { dashboard } from './dashboard.ts'
import type { ApiDeps } from './deps.ts'
import { addDocs } from './docs/index.ts'
import { createFolds } from './folds.ts'
import { watchMethods } from './methods.ts'
import { candlesApi } from './rest/candles.ts'
import { explainApi } from './rest/explain.ts'
import { healthApi } from './rest/health.ts'
import { historyApi } from './rest/history.ts'
import { ledgerApi } from './rest/ledger.ts'
import { metricsApi } from './rest/metrics.ts'
import { pricesApi } from './rest/prices.ts'
import { liveStatsApi, statsApi } from './rest/stats.ts'
import type { Views } from './views.ts'

/** The HTTP side as a Fastify app that listens nowhere yet. */
export async function buildApi(deps: ApiDeps, views: Views) {
  const { options, metrics } = deps
  const app = await bareApp(deps)
  const refuseOtherMethods = watchMethods(app)
  await addDocs(app, options.version)
  await app.register(candlesApi(deps, views))
  await app.register(pricesApi(deps, views))
  const folds = createFolds(deps)
  await app.register(ledgerApi(deps, folds))
  await app.register(explainApi(deps, folds))
  await app.register(healthApi(deps, views.board))
  await app.register(statsApi(deps, views.cache))
  await app.register(liveStatsApi(views.hub))
  await app.register(historyApi(deps))
  await app.register(metricsApi(metrics))
  for (const plugin of deps.extras ?? []) await app.register(plugin)
  await app.register(dashboard(options.dashboardDir))
  refuseOtherMethods()
  return app
}
