import { StatsSchema, WsStatsSchema } from '@candlewire/protocol/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiDeps } from '../deps.ts'
import type { Hub } from '../live/hub.ts'
import type { SegmentCache } from '../series/cache.ts'

const tags = ['operation']
const statsSchema = { tags, summary: 'Performance and completeness', response: { 200: StatsSchema } }
const wsSchema = { tags, summary: 'Figures of the live connections', response: { 200: WsStatsSchema } }

/** `GET /stats` */
export const statsApi =
  ({ backend, now }: Pick<ApiDeps, 'backend' | 'now'>, cache?: SegmentCache): FastifyPluginAsyncTypebox =>
  async (app) => {
    const started = now()
    app.get('/stats', { schema: statsSchema }, async () => {
      const { performance } = backend.collectorStatus()
      const reconciliation = backend.reconciliation?.()
      return {
        status: 'ok' as const,
        uptime_seconds: Math.round((now() - started) / 1000),
        performance: { ...performance, cache_hit_rate: cache?.hitRate() ?? 0 },
        coverage: await backend.coverage(),
        ...(reconciliation && { reconciliation }),
      }
    })
  }

/** `GET /ws/stats` */
export const liveStatsApi =
  (hub: Hub): FastifyPluginAsyncTypebox =>
  async (app) => {
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
