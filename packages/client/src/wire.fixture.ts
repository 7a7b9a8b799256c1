import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import type { EventMessage, WSMessage } from './events.ts'
import { RTClient, type RTClientOptions } from './rt-client.ts'

/** A real server on a local port whose every word a test decides. Closed after the test. */
export async function wireServer(t: TestContext, port = 0) {
  const server = new WebSocketServer({ port, host: '127.0.0.1' })
  await once(server, 'listening')
  const frames: Record<string, unknown>[] = []
  const waiters = new Set<() => void>()
  const sockets: WebSocket[] = []
  const changed = () => {
    for (const wake of [...waiters]) wake()
  }
  server.on('connection', (socket) => {
    sockets.push(socket)
    socket.on('message', (data) => {
      frames.push(JSON.parse(String(data)))
      changed()
    })
    changed()
  })
  const until = async (ready: () => boolean) => {
    while (!ready()) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          waiters.delete(wake)
          resolve()
        }
        waiters.add(wake)
      })
    }
  }
  const stop = () => {
    for (const socket of server.clients) socket.terminate()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  t.after(stop)
  const address = server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${address.port}/ws/crypto`,
    port: address.port,
    /** Everything that clients have sent so far. */
    frames,
    sockets,
    /** The first `n` frames, when they have come. */
    async received(n: number) {
      await until(() => frames.length >= n)
      return frames.slice(0, n)
    },
    connections: (n: number) => until(() => sockets.length >= n),
    say(message: unknown) {
      for (const socket of server.clients) socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    },
    /** Cuts every line without a goodbye. */
    cut() {
      for (const socket of server.clients) socket.terminate()
    },
    stop,
  }
}

/** A client with quick retries that is disconnected after the test. */
export function testClient(t: TestContext, url: string, options: RTClientOptions = {}) {
  const client = new RTClient({ url, backoff: { firstMs: 5, maxMs: 20, jitter: 0 }, ...options })
  t.after(() => client.disconnect())
  return client
}

/** The next message of an event. */
export const next = (client: RTClient, event: string): Promise<WSMessage> =>
  new Promise((resolve) => {
    const off = client.on(event, (message) => {
      off()
      resolve(message)
    })
  })

export const candle = (close: number, more: Partial<EventMessage<'candle'>> = {}) => ({
  type: 'candle',
  data: {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    timeframe: '1m',
    time: '2025-01-20T10:30:00Z',
    open: 1,
    high: Math.max(1, close),
    low: Math.min(1, close),
    close,
    volume: 1.5,
  },
  timestamp: 1_705_757_700_000,
  ...more,
})
