import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { CLOSE, LIVE_PATH } from '@candlewire/protocol'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import type { ApiDeps } from '../deps.ts'
import type { Client } from './client.ts'
import type { Hub } from './hub.ts'
import { createSession } from './session.ts'
import { transport } from './transport.ts'

/** Smaller messages are not worth compressing, bytes. */
const COMPRESSION_THRESHOLD = 1024

interface Connection {
  readonly socket: WebSocket
  readonly client: Client
  /** When the last frame came in and when we last pinged, ms. */
  heard: number
  pinged: number
}

/** Takes WebSocket upgrades. */
export interface LiveServer {
  /** Of this server too; the limit of connections is one for all. */
  attach(server: Server): void
  /** Closes every socket with 1012; resolves when all are gone. */
  close(): Promise<void>
}

export function createLive(hub: Hub, deps: Omit<ApiDeps, 'store' | 'bus' | 'backend'>): LiveServer {
  const { catalog, limits, options, log, metrics, now } = deps
  const connections = new Set<Connection>()
  const servers = new Set<Server>()
  let closing = false
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    perMessageDeflate: options.compression && {
      threshold: COMPRESSION_THRESHOLD,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    },
  })

  const onUpgrade = (request: IncomingMessage, raw: Duplex, head: Buffer) => {
    raw.on('error', () => raw.destroy())
    const url = readUrl(request)
    if (!url) return refuse(raw, 400)
    if (url.pathname !== LIVE_PATH) return refuse(raw, 404)
    if (!originAllowed(request.headers.origin, options.corsOrigins)) return refuse(raw, 403)
    if (closing || connections.size >= limits.maxConnections) return refuse(raw, 503)
    sockets.handleUpgrade(request, raw, head, (socket) => accept(socket, raw, url.searchParams.get('slow') === 'close'))
  }

  const accept = (socket: WebSocket, raw: Duplex, closeWhenSlow: boolean) => {
    const client = hub.connect((onDrain) => transport(socket, raw, onDrain), closeWhenSlow)
    const session = createSession(client, { hub, catalog, limits, metrics, now })
    const connection: Connection = { socket, client, heard: now(), pinged: now() }
    const hear = () => {
      connection.heard = now()
    }
    connections.add(connection)
    socket.on('ping', hear)
    socket.on('pong', hear)
    socket.on('message', (data, isBinary) => {
      hear()
      if (socket.readyState !== WebSocket.OPEN) return
      if (isBinary) socket.close(CLOSE.binary, 'text frames only')
      else session.receive(textOf(data))
    })
    // `ws` has chosen the close code already (1009, 1002, 1007): the reason is all that is left to keep.
    socket.on('error', (error) => log.debug({ reason: error.message }, 'live client broke the protocol'))
    socket.on('close', () => {
      connections.delete(connection)
      hub.disconnect(client, session.subscriptions())
    })
  }

  const sweep = () => {
    const time = now()
    for (const connection of connections) check(connection, time)
  }
  const check = (connection: Connection, time: number) => {
    const { socket, client } = connection
    const blocked = client.blockedSince()
    if (blocked && time - blocked >= limits.writeTimeout) return client.transport.destroy()
    if (time - connection.heard >= limits.readTimeout) return goAway(socket)
    if (time - connection.pinged < limits.pingInterval) return
    connection.pinged = time
    client.transport.ping()
  }
  const goAway = (socket: WebSocket) => {
    if (socket.readyState === WebSocket.OPEN) socket.close(CLOSE.goingAway, 'nothing heard')
    else socket.terminate()
  }

  const shortest = Math.min(limits.readTimeout, limits.writeTimeout, limits.pingInterval)
  const sweeper = setInterval(sweep, Math.max(1, Math.min(1000, shortest / 4)))
  sweeper.unref()
  return {
    attach(server) {
      servers.add(server)
      server.on('upgrade', onUpgrade)
    },
    async close() {
      closing = true
      clearInterval(sweeper)
      const gone = [...connections].map(({ socket }) => closed(socket))
      for (const { socket } of connections) socket.close(CLOSE.restart, 'restart')
      const cut = setTimeout(() => {
        for (const { socket } of connections) socket.terminate()
      }, limits.closeTimeout)
      await Promise.all(gone)
      clearTimeout(cut)
      for (const server of servers) server.off('upgrade', onUpgrade)
    },
  }
}

const closed = (socket: WebSocket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()))

function readUrl({ url = '/' }: IncomingMessage): URL | undefined {
  return URL.parse(url, 'http://localhost') ?? undefined
}

const originAllowed = (origin: string | undefined, allowed: readonly string[]): boolean =>
  origin === undefined || allowed.includes('*') || allowed.includes(origin)

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString()
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString()
}

function refuse(raw: Duplex, status: 400 | 403 | 404 | 503): void {
  const retry = status === 503 ? 'Retry-After: 5\r\n' : ''
  raw.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`)
}
