import { createServer } from 'node:http'
import { createClock } from './clock.ts'
import { handleControl } from './control.ts'
import type { Exchange } from './exchange.ts'
import { createFaults, type FaultCalls } from './faults/engine.ts'
import { openListings } from './listings.ts'
import { stepMs } from './market/book.ts'
import type { SimulatorOptions } from './options.ts'
import { createRateLimiter, defaultLimits } from './rest/limits.ts'
import { handleRest } from './rest/rest.ts'
import { createTruth, type Truth } from './truth.ts'
import { createHub } from './ws/hub.ts'
import { createSockets } from './ws/sockets.ts'

export type { Fault, FaultStep } from './faults/faults.ts'
export type { Interval } from './market/grid.ts'
export type { RecordedTrade } from './market/recorded.ts'
export type { ApiKey, SimulatorOptions } from './options.ts'
export type { Limits } from './rest/limits.ts'
export type { Truth } from './truth.ts'
export type { KlineRow, TradeBody } from './wire.ts'

/** Totals since the start: WebSocket connections, and requests that went past a limit. */
export type Counts = {
  opened: number
  /** Ended by the client, or lost on its side. */
  left: number
  /** Ended by the exchange because they were as old as they may get. */
  expired: number
  /** Refused with 429: REST past a limit, and connection attempts. */
  limited: number
  /** Refused with 418. */
  banned: number
}

/** A running exchange in a box. */
export type Simulator = {
  /** What to use in place of `https://api.binance.com`. */
  restUrl: string
  /** What to use in place of `wss://stream.binance.com:9443`. */
  wsUrl: string
  /** The simulated exchange's clock, ms. */
  now(): number
  /** Moves a manual clock on and sends everything that happens meanwhile. */
  advance(ms: number): Promise<void>
  truth: Truth
  faults: FaultCalls
  /** Those listed at the start. */
  symbols: readonly string[]
  /** Open WebSocket connections. */
  connections(): number
  /** What happened to connections and requests since the start. */
  counts(): Counts
  close(): Promise<void>
}

/** Starts a Binance spot exchange on a local port: REST, WebSocket and `/sim` control routes together. */
export const createSimulator = async (options: SimulatorOptions = {}): Promise<Simulator> => {
  const { host = '127.0.0.1', port = 0, speed = 1, keys = [], tickMs = 20, tickerMs = 1_000 } = options
  const { start, ...market } = await openListings(options)
  const clock = createClock(start, speed, options.clock === 'manual')
  const exchange: Exchange = { clock, tickerMs, ...market }
  const limits = { ...defaultLimits, ...options.limits }
  const limiter = createRateLimiter(limits)
  const truth = createTruth(exchange)
  const faults = createFaults(exchange, options.faults ?? [], () => sockets)
  const hub = createHub(exchange, faults.alter)
  const sockets = createSockets(exchange, hub, limits, faults.refusing)
  const rest = { exchange, limits, limiter, keys, delayMs: faults.delayMs, down: faults.restDown }
  const control = { exchange, truth, faults, connections: sockets.count, streams: hub.streams }

  const server = createServer((request, response) => {
    response.on('error', () => response.destroy())
    const handled = request.url?.startsWith('/sim/')
      ? handleControl(control, request, response)
      : handleRest(rest, request, response)
    handled.catch(() => response.destroy())
  })
  server.on('upgrade', sockets.upgrade)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })

  let pumped = start
  /** Sends what happened up to `now`, in steps that end on the grid of the book. */
  const pump = (now: number): void => {
    while (pumped < now) {
      pumped = Math.min(now, (Math.floor(pumped / stepMs) + 1) * stepMs)
      hub.pump(pumped)
    }
    faults.tick()
    sockets.keep()
  }
  const timer = clock.manual ? undefined : setInterval(() => pump(clock.now()), tickMs)

  const address = server.address()
  const bound = typeof address === 'object' ? address?.port : port
  return {
    restUrl: `http://${host}:${bound}`,
    wsUrl: `ws://${host}:${bound}`,
    now: clock.now,
    async advance(ms) {
      await hub.ready()
      const end = clock.now() + ms
      while (clock.now() < end) {
        const next = Math.min(end, (Math.floor(clock.now() / stepMs) + 1) * stepMs)
        clock.advance(next - clock.now())
        pump(next)
      }
    },
    truth,
    faults: faults.calls,
    symbols: [...exchange.listings.keys()],
    connections: sockets.count,
    counts() {
      const { refused: attempts, ...connections } = sockets.totals()
      const { limited, banned } = limiter.totals()
      return { ...connections, limited: limited + attempts, banned }
    },
    async close() {
      clearInterval(timer)
      sockets.cut()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
