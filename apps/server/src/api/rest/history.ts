import type { FetchPlan as PlanBody } from '@candlewire/protocol'
import { ErrorSchema, FetchHistoricalBody, FetchPlanSchema, success } from '@candlewire/protocol/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { HOUR, nextOpen, openTime, timeframe } from '../../domain/timeframe.ts'
import { failure } from '../../lib/failure.ts'
import type { ApiDeps, FetchPlan } from '../deps.ts'
import { isoTime } from '../text.ts'
import { readMarket } from './params.ts'

const schema = {
  summary: 'Fetch what is missing of a series',
  description: 'Answers with the plan at once, or with `wait=true` when all is fetched.',
  tags: ['history'],
  body: FetchHistoricalBody,
  querystring: Type.Object({ wait: Type.Optional(Type.Enum(['true', 'false'])) }),
  response: {
    200: success(FetchPlanSchema),
    202: success(FetchPlanSchema),
    400: ErrorSchema,
    404: ErrorSchema,
    502: ErrorSchema,
    503: ErrorSchema,
    504: ErrorSchema,
  },
}

/** `POST /fetch-historical` */
export const historyApi =
  ({ catalog, backend, now }: Pick<ApiDeps, 'catalog' | 'backend' | 'now'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post('/fetch-historical', { schema }, async ({ body, query }, reply) => {
      const market = readMarket(catalog, body.symbol, body.exchange)
      const code = body.timeframe ?? '1m'
      if (!catalog.timeframes.includes(code)) {
        throw failure('INVALID_PARAMETER', { name: 'timeframe', reason: `is one of ${catalog.timeframes.join(', ')}` })
      }
      const frame = timeframe(code)
      const from = openTime(frame, now() - (body.lookback_hours ?? 24) * HOUR)
      const to = openTime(frame, now())
      const plan = await backend.fetchHistorical({
        ...market,
        timeframe: code,
        from,
        to: Math.max(to, nextOpen(frame, from)),
      })
      const wait = query.wait === 'true'
      if (wait) await plan.done
      // Whoever does not wait can follow the job: its failure belongs there.
      else plan.done.catch(() => undefined)
      reply.code(wait || plan.jobId === undefined ? 200 : 202)
      return { success: true as const, data: planBody(plan), timestamp: isoTime(now()) }
    })
  }

const planBody = (plan: FetchPlan): PlanBody => ({
  job_id: plan.jobId ?? null,
  exchange: plan.exchange,
  symbol: plan.symbol,
  timeframe: plan.timeframe,
  missing: plan.missing.map(({ from, to, candles }) => ({ from: isoTime(from), to: isoTime(to), candles })),
  requests_planned: plan.requestsPlanned,
  estimated_seconds: plan.estimatedSeconds,
  window: plan.window,
  delay_s: plan.delaySeconds,
})
