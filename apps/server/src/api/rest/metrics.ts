import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Metrics } from '../../lib/metrics.ts'
import { alwaysAnswers } from '../pressure.ts'

const schema = {
  tags: ['operation'],
  summary: 'Figures for Prometheus',
  produces: ['text/plain'],
  response: { 200: Type.String() },
}

/** `GET /metrics` */
export const metricsApi =
  ({ registry }: Pick<Metrics, 'registry'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/metrics',
      { schema, serializerCompiler: () => String, config: alwaysAnswers },
      async (_request, reply) => {
        reply.type(registry.contentType)
        return registry.metrics()
      },
    )
  }
