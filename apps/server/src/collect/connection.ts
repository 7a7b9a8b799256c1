import { WebSocket } from 'ws'
import type { Exchange } from '../exchanges/exchange.ts'
import type { CollectSettings } from './settings.ts'
import { createSubscriptions } from './subscriptions.ts'

const MAX_FRAME_BYTES = 8 << 20
/** Room left under the exchange's message limit for pings and pongs. */
const SPARE_MESSAGES = 2
const CLOSE_WAIT_MS = 1_000

/** What a connection tells its owner. `topics` are those of one control message. */
interface ConnectionEvents {
  readonly frame: (connection: Connection, frame: Buffer, received: number) => void
  readonly subscribed: (connection: Connection, topics: readonly string[]) => void
  readonly refused: (connection: Connection, topics: readonly string[], reason: string) => void
  readonly closed: (connection: Connection, reason: string) => void
}

/** One socket to an exchange, from the connect to its end. */
export interface Connection {
  readonly openedAt: number
  add(topics: readonly string[]): void
  remove(topics: readonly string[]): void
  /** An answer to a control message came, as the adapter read it. */
  answer(id: number | null, error?: string): void
  /** When the last frame, ping or pong came: all that was sent before has come too. Our clock, ms. */
  lastFrameAt(): number
  topics(): number
  open(): boolean
  pause(): void
  resume(): void
  close(reason: string): void
  /** True once everything first asked for is answered; false when it closed before. */
  readonly ready: Promise<boolean>
  /** The reason, once it is over. */
  readonly ended: Promise<string>
}

interface Deps {
  readonly exchange: Exchange
  readonly wsUrl: string
  readonly settings: CollectSettings
  readonly events: ConnectionEvents
  readonly now: () => number
}

/** Opens a connection and keeps it: paced subscriptions, awaited answers, keep-alive, silence. It never reconnects. */
export function openConnection(
  { exchange, wsUrl, settings, events, now }: Deps,
  topics: readonly string[],
): Connection {
  const subscriptions = createSubscriptions(exchange)
  subscriptions.add(topics)
  const spacingMs = 1_000 / Math.max(1, exchange.limits.messagesPerSecond - SPARE_MESSAGES)
  const ready = Promise.withResolvers<boolean>()
  const ended = Promise.withResolvers<string>()
  const openedAt = now()
  let lastFrame = openedAt
  let silentSince = openedAt
  let lastOwnPing = openedAt
  let reason: string | undefined
  let next: NodeJS.Timeout | undefined

  const socket = new WebSocket(exchange.stream.url(wsUrl), {
    skipUTF8Validation: true,
    maxPayload: MAX_FRAME_BYTES,
    handshakeTimeout: settings.connectTimeoutMs,
    perMessageDeflate: false,
  })
  const isOpen = () => socket.readyState === WebSocket.OPEN

  function pump(): void {
    next = undefined
    const message = isOpen() ? subscriptions.next(now()) : undefined
    if (message === undefined) return
    socket.send(message)
    next = setTimeout(pump, spacingMs)
  }
  const wake = () => {
    if (!next && isOpen()) pump()
  }
  const alive = () => {
    lastFrame = silentSince = now()
  }

  function keepAlive(): void {
    if (!isOpen()) return
    const at = now()
    if (socket.isPaused) {
      silentSince = at
      return
    }
    const own = exchange.stream.ping
    if (at - (subscriptions.oldest() ?? at) > settings.ackTimeoutMs) close('no acknowledgement')
    else if (at - silentSince > exchange.limits.silenceMs) close('silence')
    else if (own && at - lastOwnPing >= own.everyMs) {
      lastOwnPing = at
      socket.send(own.message)
    } else if (at - lastFrame >= settings.pingEveryMs / 2) socket.ping()
  }
  const timer = setInterval(keepAlive, settings.pingEveryMs)

  function close(why: string): void {
    reason ??= why
    if (socket.isPaused) socket.resume()
    if (socket.readyState === WebSocket.CONNECTING) socket.terminate()
    else socket.close(1000)
    setTimeout(() => socket.terminate(), CLOSE_WAIT_MS).unref()
  }

  const connection: Connection = {
    openedAt,
    add(more) {
      subscriptions.add(more)
      wake()
    },
    remove(less) {
      subscriptions.remove(less)
      wake()
    },
    answer(id, error) {
      const found = subscriptions.answered(id)
      if (!found) return
      if (error !== undefined) events.refused(connection, found.topics, error)
      else if (found.kind === 'subscribe') events.subscribed(connection, found.topics)
      if (subscriptions.idle()) ready.resolve(true)
    },
    lastFrameAt: () => lastFrame,
    topics: subscriptions.count,
    open: isOpen,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close,
    ready: ready.promise,
    ended: ended.promise,
  }

  socket.on('open', () => {
    alive()
    if (!subscriptions.more()) ready.resolve(true)
    wake()
  })
  socket.on('message', (data) => {
    const received = now()
    lastFrame = silentSince = received
    if (Buffer.isBuffer(data)) events.frame(connection, data, received)
  })
  socket.on('ping', alive)
  socket.on('pong', alive)
  socket.on('error', (error) => {
    reason ??= error.message
  })
  socket.on('close', (code, text) => {
    clearInterval(timer)
    clearTimeout(next)
    const why = reason ?? (text.toString() || `closed with ${code}`)
    ready.resolve(false)
    ended.resolve(why)
    events.closed(connection, why)
  })
  return connection
}
