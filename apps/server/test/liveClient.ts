import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { type ClientOptions, WebSocket } from 'ws'

/** What a server message looks like to a test. */
export interface Received {
  readonly type: string
  readonly data: Record<string, unknown>
  readonly timestamp: number
  readonly seq?: number
}

/** A WebSocket client that keeps what it gets and waits for what it wants. */
export interface LiveClient {
  readonly socket: WebSocket
  readonly received: Received[]
  send(message: unknown): void
  /** Resolves with the next message, from the first not yet waited for, that fits. */
  next(fits: (message: Received) => boolean): Promise<Received>
  nextOf(type: string): Promise<Received>
  /** Resolves with the close code. */
  readonly closed: Promise<number>
}

export async function liveClient(t: TestContext, url: string, options: ClientOptions = {}): Promise<LiveClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options })
  const received: Received[] = []
  let seen = 0
  let wake = () => {}
  socket.on('message', (data) => {
    received.push(JSON.parse(String(data)))
    wake()
  })
  socket.on('error', () => {})
  const closed = once(socket, 'close').then(([code]: unknown[]) => Number(code))
  void closed.then(() => wake())
  t.after(() => socket.terminate())
  await once(socket, 'open')

  const next: LiveClient['next'] = async (fits) => {
    for (;;) {
      while (seen < received.length) {
        const message = received[seen++]!
        if (fits(message)) return message
      }
      if (socket.readyState === WebSocket.CLOSED) throw new Error('closed while waiting')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    socket,
    received,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next,
    nextOf: (type) => next((message) => message.type === type),
  }
}
