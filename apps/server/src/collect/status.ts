import type { DriftOf } from './drift.ts'
import type { MarketFeed, MarketState } from './market.ts'
import type { SetAside } from './quarantine.ts'
import type { Circuit, Shard } from './shard.ts'

export interface CollectorStatus {
  readonly exchange: string
  readonly state: 'connected' | 'connecting' | 'down'
  readonly mode: 'live' | 'rest_fallback'
  readonly symbols: number
  readonly connections: number
  readonly streams: number
  /** Our clock, ms; 0 before the first frame. */
  readonly lastMessageAt: number
  readonly reconnects: number
  readonly messagesReceived: number
  /** Exchange clock minus ours, ms. */
  readonly clockOffset: number | undefined
  /** Markets by what they do at the moment. */
  readonly markets: Readonly<Record<MarketState, number>>
  /** Markets with trades missing that are being fetched. */
  readonly gapsOpen: number
  /** Circuit breakers. `sockets`: the worst of all connections. */
  readonly circuits: {
    readonly rest: 'closed' | 'open' | 'half-open'
    readonly sockets: Circuit['state']
    /** Connections that are not tried at the moment, or on trial. */
    readonly broken: number
    /** When the next of them is tried, our clock, ms; 0 when none waits. */
    readonly retryAt: number
    /** Why the last of them failed. */
    readonly reason: string
  }
  /** The last frames that could not be used. */
  readonly quarantined: readonly SetAside[]
  /** Markets of which something was set aside lately. */
  readonly drifting: readonly DriftOf[]
}

interface Parts
  extends Pick<
    CollectorStatus,
    'exchange' | 'lastMessageAt' | 'reconnects' | 'messagesReceived' | 'clockOffset' | 'quarantined' | 'drifting'
  > {
  readonly feeds: readonly MarketFeed[]
  readonly shards: readonly Shard[]
  readonly restCircuit: Circuit['state']
}

export function statusOf({ feeds, shards, restCircuit, ...counted }: Parts): CollectorStatus {
  const markets: Record<MarketState, number> = { starting: 0, joining: 0, live: 0, polling: 0, deaf: 0, halted: 0 }
  for (const feed of feeds) markets[feed.state()] += 1
  const states = shards.map((shard) => shard.state())
  const open = shards.flatMap((shard) => shard.connections()).filter((connection) => connection.open())
  const up = states.every((state) => state === 'connected')
  return {
    ...counted,
    state: states.includes('down') ? 'down' : up ? 'connected' : 'connecting',
    mode: markets.polling ? 'rest_fallback' : 'live',
    circuits: { rest: restCircuit, ...socketCircuits(shards) },
    symbols: feeds.length,
    connections: open.length,
    streams: open.reduce((sum, connection) => sum + connection.topics(), 0),
    markets,
    gapsOpen: feeds.filter((feed) => feed.missing() > 0).length,
  }
}

function socketCircuits(shards: readonly Shard[]) {
  const broken = shards.flatMap((shard) => shard.circuits()).filter(({ state }) => state !== 'closed')
  const waits = broken.map(({ retryAt }) => retryAt).filter(Boolean)
  const sockets: Circuit['state'] = !broken.length ? 'closed' : waits.length ? 'open' : 'half-open'
  return {
    sockets,
    broken: broken.length,
    retryAt: waits.length ? Math.min(...waits) : 0,
    reason: broken.at(-1)?.reason ?? '',
  }
}
