import { existsSync } from 'node:fs'
import { join } from 'node:path'
import files from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'

const HOW_TO_BUILD = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Candlewire</title>
<h1>Candlewire</h1>
<p>The server runs. The dashboard is not built yet: run <code>npm run build</code> and load this page again.</p>
<p><a href="/docs">API</a> · <a href="/redoc">the same, to read</a> · <a href="/health">health</a></p>
</html>
`

/** The built dashboard at `/`, or a page that says how to build it. */
export const dashboard =
  (folder: string | undefined): FastifyPluginAsync =>
  async (app) => {
    const hide = { schema: { hide: true } }
    if (folder && existsSync(join(folder, 'index.html'))) {
      await app.register(files, { root: folder, wildcard: false, decorateReply: false })
      return
    }
    app.get('/', hide, async (_request, reply) => reply.type('text/html; charset=utf-8').send(HOW_TO_BUILD))
  }
