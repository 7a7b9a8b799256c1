import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Exchange } from '../exchange.ts'
import type { Limits } from '../rest/limits.ts'
import { type Payload, shutdownFrame } from './frames.ts'
import type { Hub, Session } from './hub.ts'
import { answerRequest } from './requests.ts'

type Connection = {
  session: Session
  socket: WebSocket
  since: number
  pingedAt: number
  /** When the oldest ping without an answer went out. */
  waitingSince: number | undefined
  warned: boolean
  received: number[]
  /** We ended it, not the client. */
  ended: boolean
}

const connectWindowMs = 5 * 60_000
const maxBuffered = 32 * 1024 * 1024
const longestUrl = 8_000
const notFound = '404 Not Found'

const shutdownStream = '!serverShutdown'

/** What a connection asks for by its address; undefined for a path that does not exist. */
export const readAddress = (url: string): { combined: boolean; scale: number; streams: string[] } | undefined => {
  const { pathname, searchParams } = new URL(url, 'ws://simulator')
  const [, root, ...rest] = pathname.split('/')
  if (root !== 'ws' && root !== 'stream') return undefined
  const combined = root === 'stream'
  const scale = searchParams.get('timeUnit')?.toUpperCase() === 'MICROSECOND' ? 1_000 : 1
  // A plus in a query is read as a space, but stream names hold none.
  const named = combined
    ? (searchParams.get('streams') ?? '').replaceAll(' ', '+').split('/')
    : rest.map(decodeURIComponent)
  return { combined, scale, streams: named.filter((name) => name !== '') }
}

const refuse = (socket: Duplex, status: string): void => {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/**
 * Accepts WebSocket connections and keeps the exchange's rules on them: pings, message rate, number of streams, length
 * of life, connection attempts by address. `refusing` says whether new connections are turned away.
 */
export const createSockets = (exchange: Exchange, hub: Hub, limits: Limits, refusing: () => boolean) => {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false })
  const connections = new Set<Connection>()
  const attempts = new Map<string, number[]>()
  const { clock } = exchange
  const totals = { opened: 0, left: 0, expired: 0, refused: 0 }

  const terminate = (connection: Connection): void => {
    connection.ended = true
    connection.socket.terminate()
  }
  const close = (connection: Connection, code: number, reason: string): void => {
    connection.ended = true
    connection.socket.close(code, reason)
  }

  const allowed = (address: string): boolean => {
    const now = clock.wall()
    const recent = (attempts.get(address) ?? []).filter((time) => time > now - connectWindowMs)
    if (recent.length >= limits.connects) {
      totals.refused++
      return false
    }
    attempts.set(address, [...recent, now])
    return true
  }

  const refusalOf = (url: string, address: unknown, from: string): string | undefined => {
    if (refusing()) return '503 Service Unavailable'
    if (url.length > longestUrl) return '414 URI Too Long'
    if (!address) return notFound
    return allowed(from) ? undefined : '429 Too Many Requests'
  }

  const wrapped = (session: Session, payload: Payload): Buffer => {
    const body = payload(session.scale)
    return Buffer.from(session.combined ? `{"stream":"${shutdownStream}","data":${body}}` : body)
  }

  /** Counts a message from the client; too many in a second end the connection. */
  const count = (connection: Connection): boolean => {
    const now = clock.wall()
    connection.received = [...connection.received.filter((time) => time > now - 1_000), now]
    if (connection.received.length <= limits.messages) return true
    close(connection, 1008, 'Too many requests')
    return false
  }

  const leaveAll = (connection: Connection): void => {
    connections.delete(connection)
    for (const name of [...connection.session.streams]) hub.leave(connection.session, name)
  }

  const accept = (socket: WebSocket, address: NonNullable<ReturnType<typeof readAddress>>): void => {
    const session: Session = {
      combined: address.combined,
      scale: address.scale,
      streams: new Set(),
      even: ++totals.opened % 2 === 0,
      send(frame) {
        if (socket.bufferedAmount > maxBuffered) socket.terminate()
        else socket.send(frame, { binary: false })
      },
    }
    const now = clock.wall()
    const connection: Connection = {
      session,
      socket,
      since: now,
      pingedAt: now,
      waitingSince: undefined,
      warned: false,
      received: [],
      ended: false,
    }
    connections.add(connection)
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      if (!connection.ended) totals.left++
      leaveAll(connection)
    })
    socket.on('ping', () => count(connection))
    socket.on('pong', () => {
      if (count(connection)) connection.waitingSince = undefined
    })
    socket.on('message', (data) => {
      if (!count(connection)) return
      const reply = answerRequest(session, hub, data.toString(), limits.streams)
      socket.send(JSON.stringify(reply))
    })
    if (address.streams.length > limits.streams) close(connection, 1008, 'Too many streams')
    else for (const name of address.streams) hub.join(session, name)
  }

  const keepAlive = (connection: Connection, now: number): void => {
    if (connection.waitingSince !== undefined && now - connection.waitingSince >= limits.pongMs) {
      terminate(connection)
    } else if (now - connection.pingedAt >= limits.pingMs) {
      connection.pingedAt = now
      connection.waitingSince ??= now
      connection.socket.ping(String(now))
    }
  }

  const announce = ({ session, socket }: Connection): void =>
    socket.send(wrapped(session, shutdownFrame(clock.now())), { binary: false })

  const endLife = (connection: Connection, now: number): void => {
    const age = now - connection.since
    if (age >= limits.lifeMs) {
      if (connection.socket.readyState === connection.socket.OPEN) totals.expired++
      close(connection, 1001, 'serverShutdown')
    } else if (!connection.warned && age >= limits.lifeMs - limits.noticeMs) {
      connection.warned = true
      announce(connection)
    }
  }

  return {
    /** Takes over an HTTP upgrade. */
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      socket.on('error', () => socket.destroy())
      const url = request.url ?? ''
      const address = url.length > longestUrl ? undefined : readAddress(url)
      const refusal = refusalOf(url, address, request.socket.remoteAddress ?? '')
      if (refusal || !address) refuse(socket, refusal ?? notFound)
      else server.handleUpgrade(request, socket, head, (webSocket) => accept(webSocket, address))
    },
    /** Pings, announces and cuts what is due. */
    keep(): void {
      const now = clock.wall()
      for (const connection of [...connections]) {
        keepAlive(connection, now)
        endLife(connection, now)
      }
    },
    /** Destroys the sockets that listen to one of the symbols (lower case), or all of them; with `half` every second one. */
    cut(symbols?: ReadonlySet<string>, half = false): number {
      const hit = [...connections].filter(
        ({ session }) =>
          (!half || session.even) &&
          (!symbols || [...session.streams].some((name) => symbols.has(name.split('@')[0] ?? ''))),
      )
      for (const connection of hit) terminate(connection)
      return hit.length
    },
    /** Announces the end to everybody. */
    announceShutdown(): void {
      for (const connection of connections) announce(connection)
    },
    closeAll(): void {
      for (const connection of connections) close(connection, 1001, 'serverShutdown')
    },
    count: (): number => connections.size,
    /** Since the start: accepted, ended by the client, ended for their age, refused because there were too many attempts. */
    totals: () => ({ ...totals }),
  }
}

export type Sockets = ReturnType<typeof createSockets>
