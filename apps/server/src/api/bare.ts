import cors from '@fastify/cors'
import { type FastifyBaseLogger, type FastifyRequest, fastify } from 'fastify'
import { failure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { ApiDeps } from './deps.ts'
import { errorAnswer, refuseRaw } from './errors.ts'
import { refuseUnderPressure } from './pressure.ts'
import { securityHeaders } from './security.ts'
import { validatorCompiler } from './validate.ts'

const BODY_LIMIT = 1024 * 1024
/** A client has this long to send its request, ms. */
const REQUEST_TIMEOUT = 30_000
const METHODS = ['GET', 'POST', 'DELETE', 'OPTIONS']

/** What every HTTP side of ours shares: limits, errors, headers, figures. It has no routes and listens nowhere yet. */
export async function bareApp({ options, log, metrics, now }: Pick<ApiDeps, 'options' | 'log' | 'metrics' | 'now'>) {
  const app = fastify({
    loggerInstance: requestLog(log),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    frameworkErrors: (error, _request, reply) => {
      const { status, headers, body } = errorAnswer(error, now())
      reply.hijack()
      reply.raw.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' })
      reply.raw.end(JSON.stringify(body))
    },
    clientErrorHandler: (error, socket) => refuseRaw(error, socket, now()),
    exposeHeadRoutes: true,
  })

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => (body) => JSON.stringify(body))
  // Fastify would take plain text as a body, too.
  app.removeContentTypeParser('text/plain')
  app.setNotFoundHandler((request, reply) => {
    const { status, body } = errorAnswer(notFound(request), now())
    reply.code(status).send(body)
  })
  app.setErrorHandler((error, _request, reply) => {
    const { status, headers, body } = errorAnswer(error, now())
    if (status === 500) log.error({ err: error }, 'a request failed')
    reply.code(status).headers(headers).send(body)
  })
  const headers = await securityHeaders()
  // Before a body is read: what is not there needs no media type.
  app.addHook('onRequest', (request, reply, next) => {
    reply.headers(headers)
    next(request.is404 ? notFound(request) : undefined)
  })
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown'
    metrics.httpRequests.observe({ route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
    done()
  })

  await app.register(cors, {
    origin: options.corsOrigins.includes('*') ? '*' : [...options.corsOrigins],
    methods: METHODS,
  })
  await refuseUnderPressure(app, options.maxLoopDelay)
  return app
}

const notFound = ({ url }: FastifyRequest) => failure('NOT_FOUND', { path: url.split('?')[0] ?? '' })

/** Each request as a line is of use only to whoever debugs. */
function requestLog(log: Logger): FastifyBaseLogger {
  const wanted = log.level === 'debug' || log.level === 'trace'
  return log.child({}, { level: wanted ? log.level : 'silent' })
}
