import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'

/** How late the event loop may be before requests are refused, ms. */
export const MAX_LOOP_DELAY = 2_000
const SAMPLE_MS = 500

/** For the `config` of a route that answers however late the event loop is: it tells how the process fares. */
export const alwaysAnswers = { pressureHandler: () => undefined }

/** Refuses requests with 503 while the event loop is so late that saying no beats answering. */
export const refuseUnderPressure = (app: FastifyInstance, maxLoopDelay = MAX_LOOP_DELAY) =>
  app.register(underPressure, { maxEventLoopDelay: maxLoopDelay, sampleInterval: SAMPLE_MS })

/** What keeps the process from answering most requests, in a sentence; undefined when nothing does. */
export function pressureOf(app: FastifyInstance): string | undefined {
  if (!app.isUnderPressure()) return undefined
  const late = Math.round(app.memoryUsage().eventLoopDelay)
  return `the event loop is ${Number.isFinite(late) ? `${late} ms` : 'far'} late: most requests are refused`
}
