import type { FastifyInstance } from 'fastify'
import { failure } from '../lib/failure.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/**
 * Watches the routes that are added from now on; the returned function, called after the last,
 * lets each of their paths answer 405 to the methods it lacks.
 */
export function watchMethods(app: FastifyInstance): () => void {
  const routes = new Map<string, Set<string>>()
  let watching = true
  app.addHook('onRoute', ({ url, method }) => {
    if (!watching || url.includes('*')) return
    const methods = routes.get(url) ?? new Set<string>()
    routes.set(url, methods)
    for (const name of [method].flat()) methods.add(name)
  })
  return () => {
    watching = false
    for (const [url, methods] of routes) {
      const allowed = [...methods].join(', ')
      const lacking = METHODS.filter((method) => !methods.has(method))
      app.route({
        method: lacking,
        url,
        schema: { hide: true },
        // Before a body is read.
        onRequest: async (request, reply) => {
          reply.header('allow', allowed)
          throw failure('METHOD_NOT_ALLOWED', { method: request.method, allowed })
        },
        handler: async () => undefined,
      })
    }
  }
}
