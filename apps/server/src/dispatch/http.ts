import type { FastifyPluginAsync } from 'fastify'
import type { Dispatcher, DispatcherStatus } from './dispatcher.ts'

interface HttpDeps {
  readonly dispatcher: Dispatcher
  /** Our clock, ms. */
  readonly now?: () => number
}

const iso = (ms: number): string => new Date(ms).toISOString()
const check = (ok: boolean, message: string | undefined) =>
  ok ? { status: 'ok' } : { status: 'error', ...(message !== undefined && { message }) }

const checksOf = ({ source, channels, storeProblem }: DispatcherStatus) => ({
  kafka: check(source.connected, undefined),
  redis: check(channels.connected, channels.lastError),
  store: check(storeProblem === undefined, storeProblem),
})

const isWell = (status: DispatcherStatus): boolean =>
  Object.values(checksOf(status)).every((one) => one.status === 'ok')

/** Figures of the routing, for `/health`. */
export const routingStats = (status: DispatcherStatus) => ({
  messages_consumed: status.consumed,
  messages_routed: status.routed,
  messages_persisted: status.persisted,
  messages_failed: status.failed,
  messages_duplicate: status.duplicates,
  by_topic: Object.fromEntries(status.routes.map(({ topic, count }) => [topic, count])),
  messages_per_second: status.perSecond,
})

/** `GET /diagnostic` */
export const diagnosticApi =
  ({ dispatcher, now = Date.now }: HttpDeps): FastifyPluginAsync =>
  async (app) => {
    const uptime = ({ startedAt }: DispatcherStatus) => Math.round((now() - startedAt) / 1000)

    app.get('/diagnostic', async () => {
      const status = await dispatcher.status()
      const { source, channels, latencyMs, storeProblem } = status
      const [p50, p95, p99] = latencyMs
      return {
        status: isWell(status) ? 'ok' : 'degraded',
        uptime_seconds: uptime(status),
        connections: {
          kafka: {
            connected: source.connected,
            group_id: source.groupId,
            assignments: source.assignments,
            lag: source.lag,
          },
          redis: {
            connected: channels.connected,
            latency_ms: channels.latencyMs ?? null,
            ...(channels.lastError !== undefined && { error: channels.lastError }),
          },
          store: { connected: storeProblem === undefined, ...(storeProblem !== undefined && { error: storeProblem }) },
        },
        routes: status.routes.map(({ topic, channel, count, lastAt }) => ({
          topic,
          channel,
          count,
          last_at: iso(lastAt),
        })),
        performance: { route_latency_ms: { p50, p95, p99 }, batch_size: status.batchSize, buffered: status.buffered },
        errors: status.errors.map(({ at, message }) => ({ at: iso(at), message })),
      }
    })
  }
