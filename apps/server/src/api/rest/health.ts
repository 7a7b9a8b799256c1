import type { Health, Ready } from '@candlewire/protocol'
import { HealthSchema, ReadySchema, StatsSchema, WsStatsSchema } from '@candlewire/protocol/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiDeps } from '../deps.ts'
import { alwaysAnswers, pressureOf } from '../pressure.ts'
import { isoTime } from '../text.ts'
import type { Views } from '../views.ts'

const tags = ['operation']
const healthSchema = { tags, summary: 'Whether the process lives, and how well', response: { 200: HealthSchema } }
const readySchema = {
  tags,
  summary: 'Whether requests can be answered',
  response: { 200: ReadySchema, 503: ReadySchema },
}
const statsSchema = { tags, summary: 'Performance and completeness', response: { 200: StatsSchema } }
const wsSchema = { tags, summary: 'Figures of the live connections', response: { 200: WsStatsSchema } }

type Checks = Health['checks']

/** `GET /health`, `/ready`, `/stats`, `/ws/stats` */
export const healthApi =
  ({ store, backend, options, now }: ApiDeps, { board, hub, cache }: Views): FastifyPluginAsyncTypebox =>
  async (app) => {
    const started = now()
    const uptime = () => Math.round((now() - started) / 1000)

    const storeCheck = async (): Promise<Checks> => {
      const problem = await store.ping().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : 'no answer'),
      )
      return { store: problem === undefined ? { status: 'ok' } : { status: 'error', message: problem } }
    }

    const loopCheck = (): Checks => {
      const message = pressureOf(app)
      return message === undefined ? {} : { event_loop: { status: 'error', message } }
    }

    app.get('/health', { schema: healthSchema, config: alwaysAnswers }, async (): Promise<Health> => {
      const { stats, problems } = backend.collectorStatus()
      const checks = { ...(await storeCheck()), ...loopCheck(), ...feedChecks(board), ...problemChecks(problems) }
      const healthy = Object.values(checks).every((check) => check.status === 'ok')
      return {
        status: healthy ? 'ok' : 'degraded',
        service: options.service,
        version: options.version,
        uptime_seconds: uptime(),
        timestamp: isoTime(now()),
        checks,
        stats,
      }
    })

    app.get('/ready', { schema: readySchema, config: alwaysAnswers }, async (_request, reply): Promise<Ready> => {
      const checks = { ...(await storeCheck()), ...loopCheck() }
      const ready = Object.values(checks).every(({ status }) => status === 'ok')
      if (!ready) reply.code(503)
      return { status: ready ? 'ok' : 'error', timestamp: isoTime(now()), checks }
    })

    app.get('/stats', { schema: statsSchema }, async () => {
      const { performance } = backend.collectorStatus()
      const reconciliation = backend.reconciliation?.()
      return {
        status: 'ok' as const,
        uptime_seconds: uptime(),
        performance: { ...performance, cache_hit_rate: cache.hitRate() },
        coverage: await backend.coverage(),
        ...(reconciliation && { reconciliation }),
      }
    })

    app.get('/ws/stats', { schema: wsSchema }, async () => {
      const { total, active, broadcast, delivered, lastBroadcast } = hub.totals()
      const data = {
        total_connections: total,
        active_connections: active,
        messages_broadcast: broadcast,
        messages_delivered: delivered,
        last_broadcast_time: lastBroadcast,
      }
      return { status: 'ok' as const, data }
    })
  }

function feedChecks(board: Views['board']): Checks {
  const checks: Checks = {}
  for (const [exchange, { markets, down, reason }] of board.summary()) {
    checks[exchange] =
      down === 0 ? { status: 'ok' } : { status: 'error', message: `${down} of ${markets} feeds are down: ${reason}` }
  }
  return checks
}

const problemChecks = (problems: Readonly<Record<string, string>>): Checks =>
  Object.fromEntries(Object.entries(problems).map(([part, message]) => [part, { status: 'error', message }]))
