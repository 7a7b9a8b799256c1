import type { DriftOf } from './drift.ts'
import type { MarketFeed } from './market.ts'
import type { SetAside } from './quarantine.ts'
import type { Shard } from './shard.ts'

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
  readonly markets: Readonly<Record<'starting' | 'joining' | 'live' | 'polling', number>>
  /** Markets with trades missing that are being fetched. */
  readonly gapsOpen: number
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
}

export function statusOf({ feeds, shards, ...counted }: Parts): CollectorStatus {
  const markets = { starting: 0, joining: 0, live: 0, polling: 0 }
  for (const feed of feeds) markets[feed.state()] += 1
  const states = shards.map((shard) => shard.state())
  const open = shards.flatMap((shard) => shard.connections()).filter((connection) => connection.open())
  const up = states.every((state) => state === 'connected')
  return {
    ...counted,
    state: states.includes('down') ? 'down' : up ? 'connected' : 'connecting',
    mode: markets.polling ? 'rest_fallback' : 'live',
    symbols: feeds.length,
    connections: open.length,
    streams: open.reduce((sum, connection) => sum + connection.topics(), 0),
    markets,
    gapsOpen: feeds.filter((feed) => feed.missing() > 0).length,
  }
}
