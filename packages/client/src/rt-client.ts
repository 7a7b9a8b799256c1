import { type ChannelType, LIMITS } from '@candlewire/protocol'
import { type Backoff, defaultBackoff } from './backoff.ts'
import { answers, type Channel, channelKey, createChannels } from './channels.ts'
import { createConnection } from './connection.ts'
import { createEmitter } from './emitter.ts'
import { readEnv } from './env.ts'
import type { ClientEvents, EventMessage, WSMessage } from './events.ts'
import { readFrame } from './frames.ts'
import { defaultHeartbeat, type HeartbeatTimes, startHeartbeat } from './heartbeat.ts'
import { mockSocket } from './mock.ts'
import { createOutbox, defaultOutbox, type OutboxLimits } from './outbox.ts'
import { type OpenSocket, openWebSocket } from './socket.ts'

export interface RTClientOptions {
  /** `VITE_WS_URL` when absent. */
  readonly url?: string
  /** How sockets are made; the platform's WebSocket, or generated data when `VITE_USE_MOCK` is true. */
  readonly openSocket?: OpenSocket
  readonly backoff?: Backoff
  readonly heartbeat?: HeartbeatTimes
  readonly outbox?: OutboxLimits
  readonly connectTimeoutMs?: number
  /** Yields [0, 1); spreads the retries. */
  readonly random?: () => number
  /** Where errors that a handler throws go; the console when absent. */
  readonly report?: (event: string, error: unknown) => void
}

/** Which exchange a channel is of; the server's primary one when absent. */
export interface ChannelOptions {
  readonly exchange?: string
}

/**
 * Live data over one connection. It comes back by itself after a loss (3 s ± 20 %, doubling to 30 s), with all its
 * subscriptions; what is asked while offline is kept until it is open.
 */
export class RTClient {
  readonly #emitter
  readonly #channels = createChannels()
  readonly #connection
  readonly #outbox
  readonly #heartbeatTimes: HeartbeatTimes
  readonly #url: string
  #heartbeat: ReturnType<typeof startHeartbeat> | undefined
  /** `ping` and `list_subscriptions` asked for while offline: once each is enough. */
  readonly #asked = new Set<'ping' | 'list_subscriptions'>()
  /** Channels whose subscription after a reconnect is not acknowledged yet. */
  readonly #restoring = new Set<Channel>()
  #received = 0
  #malformed = 0

  constructor(options: RTClientOptions = {}) {
    const env = readEnv()
    this.#url = options.url ?? env.wsUrl
    this.#heartbeatTimes = options.heartbeat ?? defaultHeartbeat
    this.#emitter = createEmitter<WSMessage>(options.report ?? reportToConsole)
    this.#connection = createConnection(
      {
        url: this.#url,
        openSocket: options.openSocket ?? (env.useMock ? mockSocket : openWebSocket),
        backoff: options.backoff ?? defaultBackoff,
        random: options.random ?? Math.random,
        connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      },
      {
        opened: (reconnected) => this.#opened(reconnected),
        frame: (data) => this.#frame(data),
        closed: (code, reason) => this.#closed(code, reason),
        retrying: (attempt, delay_ms) => this.#tell('reconnecting', { attempt, delay_ms }),
      },
    )
    this.#outbox = createOutbox((text) => this.#connection.send(text), options.outbox ?? defaultOutbox)
  }

  /** Resolves when connected, rejects when this try fails; the client goes on trying until `disconnect`. */
  connect(): Promise<void> {
    return this.#connection.open()
  }

  /** Closes, forgets the subscriptions and stops reconnecting. Handlers stay; `connect` works again. */
  disconnect(): void {
    this.#channels.clear()
    this.#asked.clear()
    this.#connection.end()
  }

  subscribe(type: ChannelType, symbol: string, timeframe?: string, options: ChannelOptions = {}): void {
    const channel = toChannel(type, symbol, timeframe, options)
    const text = JSON.stringify({ action: 'subscribe', ...channel })
    if (new TextEncoder().encode(text).length > LIMITS.messageBytes) {
      this.#tell('error', { code: 'MESSAGE_TOO_LONG', message: `A message may have ${LIMITS.messageBytes} bytes` })
      return
    }
    this.#channels.add(channel)
    if (this.#connection.isOpen()) this.#outbox.push(channelKey(channel), text)
  }

  unsubscribe(type: ChannelType, symbol: string, timeframe?: string, options: ChannelOptions = {}): void {
    const channel = toChannel(type, symbol, timeframe, options)
    this.#channels.remove(channel)
    for (const other of this.#restoring) if (channelKey(other) === channelKey(channel)) this.#restoring.delete(other)
    if (this.#connection.isOpen()) {
      this.#outbox.push(channelKey(channel), JSON.stringify({ action: 'unsubscribe', ...channel }))
    }
  }

  /** Adds a handler; the returned function removes it. Events: `ClientEvents`, and any other type a server sends. */
  on<E extends keyof ClientEvents>(event: E, handler: (message: EventMessage<E>) => void): () => void
  on(event: string, handler: (message: WSMessage) => void): () => void
  on(event: string, handler: (message: never) => void): () => void {
    // `readFrame` has checked `data` of every server event that ClientEvents lists.
    return this.#emitter.on(event, handler as (message: WSMessage) => void)
  }

  /** The answer is the event `subscriptions`. */
  listSubscriptions(): void {
    this.#ask('list_subscriptions')
  }

  /** The answer is the event `pong`. */
  ping(): void {
    this.#ask('ping')
  }

  get connected(): boolean {
    return this.#connection.isOpen()
  }

  /** Frames since the start: all, and those that were ignored because they could not be read. */
  get counters(): { readonly received: number; readonly malformed: number } {
    return { received: this.#received, malformed: this.#malformed }
  }

  #ask(action: 'ping' | 'list_subscriptions') {
    if (this.#connection.isOpen()) this.#outbox.push(action, JSON.stringify({ action }))
    else this.#asked.add(action)
  }

  #opened(reconnected: boolean) {
    this.#outbox.reset()
    this.#channels.forgetSequences()
    this.#restoring.clear()
    for (const channel of this.#channels.wanted()) {
      const key = channelKey(channel)
      const recover = this.#channels.recoverFrom(channel)
      if (reconnected) this.#restoring.add(channel)
      this.#outbox.push(key, JSON.stringify({ action: 'subscribe', ...channel, ...(recover && { recover }) }))
    }
    for (const action of this.#asked) this.#outbox.push(action, JSON.stringify({ action }))
    this.#asked.clear()
    this.#heartbeat = startHeartbeat(
      this.#heartbeatTimes,
      () => this.ping(),
      () => this.#connection.lose('no sign of life'),
    )
    this.#tell('open', { url: this.#url, reconnected })
  }

  #closed(code: number, reason: string) {
    this.#heartbeat?.stop()
    this.#heartbeat = undefined
    this.#outbox.reset()
    this.#tell('close', { code, reason })
  }

  #frame(frame: unknown) {
    this.#received += 1
    this.#heartbeat?.heard()
    const message = readFrame(frame)
    if (!message) {
      this.#malformed += 1
      return
    }
    if (message.type === 'subscribed') this.#acknowledged(message)
    const gap = this.#channels.follow(message)
    if (gap) this.#tell('gap', gap)
    this.#emitter.emit(message.type, message)
  }

  #acknowledged(message: WSMessage) {
    const ack = this.#channels.acknowledge(message)
    if (!ack) return
    for (const channel of this.#restoring) {
      if (!answers(channel, ack)) continue
      this.#restoring.delete(channel)
      this.#tell('recovered', ack)
    }
  }

  #tell<E extends keyof ClientEvents>(type: E, data: ClientEvents[E]) {
    this.#emitter.emit(type, { type, data, timestamp: Date.now() })
  }
}

const toChannel = (type: ChannelType, symbol: string, timeframe: string | undefined, o: ChannelOptions): Channel => ({
  type,
  symbol,
  ...(timeframe !== undefined && { timeframe }),
  ...(o.exchange !== undefined && { exchange: o.exchange }),
})

function reportToConsole(event: string, error: unknown) {
  console.error(`A handler of "${event}" failed`, error)
}
