import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { failure } from '../lib/failure.ts'
import type { ApiDeps } from './deps.ts'
import { refuseRaw } from './errors.ts'

/** A running API. */
export interface RunningApi {
  /** As `http://127.0.0.1:8080`. */
  readonly url: string
  /** Resolves when the signal has aborted and all is closed. Rejects when the bus fails. */
  readonly done: Promise<void>
}

export interface Listening {
  /** Of the first port. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Lets an app answer on its port and on every further one: the same routes under each address. `upgrades` sees each
 * server before it listens. Rejects with `INVALID_SETTING` where one of the ports can't be had; then none listens.
 */
export async function listen(
  app: FastifyInstance,
  { options, log, now }: Pick<ApiDeps, 'options' | 'log' | 'now'>,
  upgrades: (server: Server) => void = () => {},
): Promise<Listening> {
  const { host, port, morePorts = [] } = options
  const others: Server[] = []
  const close = async () => {
    await Promise.all(others.map(closeServer))
    await app.close()
  }
  let taken = port
  try {
    upgrades(app.server)
    await app.listen({ host, port })
    for (const more of morePorts) {
      taken = more
      const server = aliasOf(app, now)
      others.push(server)
      upgrades(server)
      await listenAt(server, host, more)
    }
  } catch (error) {
    await close()
    throw portProblem(error, taken)
  }
  if (!isLoopback(host)) log.warn({ host }, 'everyone who reaches this host may read')
  return { url: urlOf(app.server.address(), host), close }
}

function aliasOf(app: FastifyInstance, now: () => number): Server {
  const server = createServer((request, response) => app.routing(request, response))
  server.requestTimeout = app.server.requestTimeout
  server.keepAliveTimeout = app.server.keepAliveTimeout
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) =>
    refuseRaw(Object.assign(error, { code: error.code ?? '' }), socket, now()),
  )
  return server
}

const listenAt = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

function portProblem(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return failure('INVALID_SETTING', { name: 'port', reason: `${port} is taken` }, error)
  if (code === 'EACCES') return failure('INVALID_SETTING', { name: 'port', reason: `${port} is not allowed` }, error)
  return error
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' && address ? address.port : 0
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
