import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

const BUNDLE = '/redoc/redoc.standalone.js'
/** The one thing that ReDoc would fetch from elsewhere: the picture beside its own name. */
const FOREIGN_LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg'
const NO_PICTURE = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'

const REDOC_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Candlewire API</title>
<link rel="icon" href="data:,">
<style>body { margin: 0 }</style>
</head>
<body>
<redoc spec-url="/openapi.json" disable-google-font></redoc>
<script src="${BUNDLE}"></script>
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
        { name: 'proof', description: 'What was known when, and where it comes from' },
        { name: 'history', description: 'Filling what is missing' },
        { name: 'operation', description: 'Health and figures' },
      ],
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { url: '/openapi.json' }, staticCSP: false })
  const bundle = await offlineBundle()
  const hide = { schema: { hide: true } }
  app.get('/openapi.json', hide, async () => app.swagger())
  app.get('/redoc', hide, async (_request, reply) => reply.type('text/html; charset=utf-8').send(REDOC_PAGE))
  app.get(BUNDLE, hide, async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=3600').send(bundle),
  )
}

async function offlineBundle(): Promise<string> {
  const file = fileURLToPath(import.meta.resolve('redoc/bundles/redoc.standalone.js'))
  return (await readFile(file, 'utf8')).replaceAll(FOREIGN_LOGO, NO_PICTURE)
}
