import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import files from '@fastify/static'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

const bundle = fileURLToPath(import.meta.resolve('redoc/bundles/redoc.standalone.js'))

const REDOC_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Candlewire API</title>
<style>body { margin: 0 }</style>
</head>
<body>
<redoc spec-url="/openapi.json" disable-google-font></redoc>
<script src="/redoc/${basename(bundle)}"></script>
</body>
</html>
`

/** `/openapi.json` from the route schemas, and two pages that show it. No page needs the network. */
export async function addDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Candlewire',
        version,
        description: 'Live crypto market data. Continuous data comes by WebSocket at `/ws/crypto`.',
      },
      tags: [
        { name: 'market data', description: 'Candles and prices' },
        { name: 'history', description: 'Filling what is missing' },
        { name: 'operation', description: 'Health and figures' },
      ],
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { url: '/openapi.json' }, staticCSP: false })
  await app.register(files, {
    root: dirname(bundle),
    prefix: '/redoc/',
    decorateReply: false,
    allowedPath: (path) => basename(path) === basename(bundle),
  })
  const hide = { schema: { hide: true } }
  app.get('/openapi.json', hide, async () => app.swagger())
  app.get('/redoc', hide, async (_request, reply) => reply.type('text/html; charset=utf-8').send(REDOC_PAGE))
}
