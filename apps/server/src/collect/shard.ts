import type { Exchange } from '../exchanges/exchange.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { backoff, pause } from './backoff.ts'
import type { Connection } from './connection.ts'
import type { CollectSettings } from './settings.ts'

/** Share of a connection's life after which its successor is opened, at the latest and at the earliest. */
const ROTATE_LATEST = 0.97
const ROTATE_SPREAD = 0.05
/** A connection that lived this long was a good one: the next is tried without waiting. */
const STEADY_MS = 10_000
/** Failures in a row after which the circuit is open: single attempts, ever further apart, until one succeeds. */
const OPEN_AFTER = 3

interface Deps {
  readonly exchange: Exchange
  readonly settings: CollectSettings
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => number
  /** Resolves when the exchange's limit lets another connection be tried. */
  readonly turn: (signal: AbortSignal) => Promise<void>
  readonly open: (topics: readonly string[]) => Connection
  readonly reconnected: () => void
}

/** Whether a connection is tried. `open`: not before `retryAt`; `half-open`: an attempt is under way. */
export interface Circuit {
  readonly state: 'closed' | 'open' | 'half-open'
  /** In a row. */
  readonly failures: number
  /** Our clock, ms; 0 when nothing is waited for. */
  readonly retryAt: number
  /** Why the last connection ended or failed. */
  readonly reason: string
}

/** A set of symbols that share a connection, however often it is opened anew. */
export interface Shard {
  add(symbol: string, topics: readonly string[]): void
  remove(symbol: string): void
  symbols(): number
  /** The exchange is about to close this connection: its successor is opened at once. */
  retire(connection: Connection, reason?: 'retire' | 'deaf'): void
  connections(): readonly Connection[]
  state(): 'connected' | 'connecting' | 'down'
  circuits(): readonly Circuit[]
  /** Until the signal aborts or `stop`. */
  run(signal: AbortSignal): Promise<void>
  stop(): void
}

/** Keeps one connection up: reconnects with growing waits, and opens the successor before the old one ends. */
export function createShard({ exchange, settings, log, metrics, now, turn, open, reconnected }: Deps): Shard {
  const bySymbol = new Map<string, readonly string[]>()
  const connections = new Set<Connection>()
  const stop = new AbortController()
  let retirement = Promise.withResolvers<'retire' | 'deaf'>()
  let current: Connection | undefined
  let failures = 0
  let retryAt = 0
  let lastReason = ''

  function connect(): Connection {
    const connection = open([...bySymbol.values()].flat())
    connections.add(connection)
    metrics.connections.inc({ exchange: exchange.id })
    connection.ended.then(() => {
      connections.delete(connection)
      metrics.connections.dec({ exchange: exchange.id })
    })
    return connection
  }

  /** One connection, from its opening until it ends or is to be replaced. Resolves with the reason. */
  async function serve(signal: AbortSignal): Promise<string> {
    const previous = current
    const connection = connect()
    const end = () => connection.close('stopped')
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    try {
      if (!(await connection.ready)) {
        failures += 1
        return await connection.ended
      }
      current = connection
      if (failures >= OPEN_AFTER) log.info({ exchange: exchange.id, failures }, 'connected again')
      retirement = Promise.withResolvers<'retire' | 'deaf'>()
      const due = exchange.limits.connectionLifeMs * (ROTATE_LATEST - Math.random() * ROTATE_SPREAD)
      const timer = setTimeout(
        () => retirement.resolve('retire'),
        Math.min(Math.max(0, due - (now() - connection.openedAt)), 2 ** 31 - 1),
      )
      if (previous) setTimeout(() => previous.close('replaced'), settings.overlapMs).unref()
      const reason = await Promise.race([connection.ended, retirement.promise])
      clearTimeout(timer)
      failures = reason === 'retire' || reason === 'deaf' || now() - connection.openedAt > STEADY_MS ? 0 : failures + 1
      return reason
    } finally {
      if (!signal.aborted) signal.removeEventListener('abort', end)
    }
  }

  async function run(outer: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([outer, stop.signal])
    while (!signal.aborted) {
      await turn(signal)
      if (signal.aborted) break
      const reason = await serve(signal)
      if (signal.aborted) break
      lastReason = reason
      reconnected()
      metrics.reconnects.inc({ exchange: exchange.id, reason: reasonClass(reason) })
      log.info({ exchange: exchange.id, reason, symbols: bySymbol.size }, 'the connection is to be opened anew')
      if (!failures) continue
      const wait = backoff(failures - 1, settings.backoffBaseMs, settings.backoffMaxMs)
      if (failures === OPEN_AFTER) log.warn({ exchange: exchange.id, reason, failures }, 'connecting keeps failing')
      retryAt = now() + wait
      await pause(wait, signal)
      retryAt = 0
    }
    for (const connection of connections) connection.close('stopped')
    await Promise.all([...connections].map((connection) => connection.ended))
  }

  return {
    add(symbol, topics) {
      bySymbol.set(symbol, topics)
      for (const connection of connections) connection.add(topics)
    },
    remove(symbol) {
      const topics = bySymbol.get(symbol)
      bySymbol.delete(symbol)
      if (topics) for (const connection of connections) connection.remove(topics)
    },
    symbols: () => bySymbol.size,
    retire(connection, reason = 'retire') {
      if (connection === current) retirement.resolve(reason)
    },
    connections: () => [...connections],
    state() {
      if ([...connections].some((connection) => connection.open())) return 'connected'
      return failures >= OPEN_AFTER ? 'down' : 'connecting'
    },
    circuits() {
      const broken = failures >= OPEN_AFTER && !current?.open()
      return [{ state: !broken ? 'closed' : retryAt ? 'open' : 'half-open', failures, retryAt, reason: lastReason }]
    },
    run,
    stop: () => stop.abort(),
  }
}

/** A label of few values. */
function reasonClass(reason: string): string {
  return ['retire', 'silence', 'deaf', 'no acknowledgement'].includes(reason) ? reason : 'closed'
}
