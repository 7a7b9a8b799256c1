import helmet from '@fastify/helmet'
import { fastify } from 'fastify'

/** Scripts and styles come from here only; the documentation pages need inline styles, images as data, a worker. */
const CONTENT_POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'self'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'", 'data:'],
    connectSrc: ["'self'", 'ws:', 'wss:'],
    workerSrc: ["'self'", 'blob:'],
    objectSrc: ["'none'"],
    baseUri: ["'self'"],
    frameAncestors: ["'self'"],
  },
}
/** What an empty answer has anyway. */
const OWN = ['content-length', 'content-type', 'date', 'connection']

/** Helmet's headers. It would build the same ones for each request, at a tenth of the whole cost, so it is asked once. */
export async function securityHeaders(): Promise<Record<string, string>> {
  const app = fastify()
  await app.register(helmet, {
    contentSecurityPolicy: CONTENT_POLICY,
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    hsts: false,
  })
  app.get('/', async () => '')
  const { headers } = await app.inject('/')
  await app.close()
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OWN.includes(name))
      .map(([name, value]) => [name, String(value)]),
  )
}
