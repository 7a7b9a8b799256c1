import { randomUUID } from 'node:crypto'
import type { CoverageNotice } from '@candlewire/protocol'

import type { Candle } from '../../domain/candle.ts'
import type { Interval } from '../../domain/coverage.ts'
import type { Trade } from '../../domain/trade.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { Series } from '../../store/store.ts'
import { emptyBatch } from './batch.ts'
import { ANY, type Channel, keyOf, matches } from './channel.ts'
import { type Client, type ClientSettings, createClient, type Totals } from './client.ts'

import { createHistory } from './history.ts'
import { createLag } from './lag.ts'
import { candleMessage, correctionMessage, coverageMessage, type Message, tradeMessage } from './message.ts'
import { createRooms } from './rooms.ts'
import type { Transport } from './transport.ts'

export interface HubSettings {
  readonly pendingMessages: number
  readonly metrics: Metrics
  readonly now: () => number
}

/** Channels, who listens to them, and one write per client and turn of the event loop. It knows no sockets. */
export interface Hub {
  connect(open: (onDrain: () => void) => Transport, closeWhenSlow: boolean): Client
  disconnect(client: Client, patterns: Iterable<Channel>): void
  subscribe(client: Client, pattern: Channel): void
  unsubscribe(client: Client, pattern: Channel): void
  /** Where a channel stands. The epoch changes when the count begins anew; a pattern with `*` has no position. */
  position(pattern: Channel): { epoch: string; seq: number } | undefined
  /** What a channel sent after a position, oldest first; undefined when that is no longer known. */
  missed(pattern: Channel, from: { epoch: string; seq: number }): readonly Message[] | undefined
  /** Sends one message to one client, in order with the rest. */
  tell(client: Client, message: Message): void
  /** Sends the forming candles that a pattern holds, as last published. */
  tellForming(client: Client, pattern: Channel): void
  publishCandle(candle: Candle): void
  publishTrade(trade: Trade): void
  /** Tells those who listen to the series that what is known of a stretch of it has changed. */
  publishCoverage(series: Series, stretch: Interval, status: CoverageNotice['status']): void
  totals(): Readonly<Totals> & { active: number }
}

export function createHub({ pendingMessages, metrics, now }: HubSettings): Hub {
  const rooms = createRooms<Client>()
  const clients = new Set<Client>()
  const sequences = new Map<string, number>()
  const epoch = randomUUID()
  const history = createHistory(now)
  /** The last message of each forming candle. */
  const forming = new Map<string, Message>()
  const totals: Totals = { total: 0, broadcast: 0, delivered: 0, lastBroadcast: 0 }
  let dirty = new Set<Client>()
  let start = emptyBatch()
  const lag = createLag(metrics, now)

  const flush = () => {
    const due = dirty
    dirty = new Set()
    start = emptyBatch()
    for (const client of due) client.flush()
    lag.sent()
  }
  const tell = (client: Client, message: Message) => {
    if (dirty.size === 0) setImmediate(flush)
    dirty.add(client)
    client.push(message, start)
  }
  const stamp = (channel: Channel) => {
    const key = keyOf(channel)
    const seq = (sequences.get(key) ?? 0) + 1
    sequences.set(key, seq)
    return { channel, key, seq, now: now() }
  }
  const count = (receivers: number) => {
    if (receivers === 0) return
    totals.broadcast += receivers
    totals.lastBroadcast = now()
    metrics.messages.inc({ outcome: 'broadcast' }, receivers)
  }
  const publish = (channel: Channel, message: Message) => {
    history.keep(message)
    let receivers = 0
    for (const client of rooms.members(channel)) {
      tell(client, message)
      receivers++
    }
    count(receivers)
    return receivers
  }
  const leave = (client: Client, pattern: Channel) => {
    if (rooms.leave(pattern, client)) history.leave(keyOf(pattern))
  }
  const settings = (closeWhenSlow: boolean): ClientSettings => ({
    pendingMessages,
    closeWhenSlow,
    totals,
    metrics,
    now,
  })

  return {
    connect(open, closeWhenSlow) {
      const client = createClient(open, settings(closeWhenSlow))
      clients.add(client)
      totals.total++
      metrics.clients.set(clients.size)
      return client
    },
    disconnect(client, patterns) {
      for (const pattern of patterns) leave(client, pattern)
      dirty.delete(client)
      clients.delete(client)
      metrics.clients.set(clients.size)
    },
    subscribe(client, pattern) {
      rooms.join(pattern, client)
      if (isExact(pattern)) history.follow(keyOf(pattern), sequences.get(keyOf(pattern)) ?? 0)
    },
    unsubscribe: leave,
    position: (pattern) => (isExact(pattern) ? { epoch, seq: sequences.get(keyOf(pattern)) ?? 0 } : undefined),
    missed: (pattern, from) => (from.epoch === epoch ? history.since(keyOf(pattern), from.seq) : undefined),
    tell,
    tellForming(client, pattern) {
      const wanted = [...forming.values()].filter(({ channel }) => channel && matches(pattern, channel))
      for (const message of wanted) tell(client, message)
      count(wanted.length)
    },
    publishCandle(candle) {
      const channel = candleChannel(candle)
      const message = candleMessage(stamp(channel), candle)
      if (!candle.closed) forming.set(message.key, message)
      else if ((forming.get(message.key)?.time ?? Infinity) <= candle.time) forming.delete(message.key)
      publish(channel, message)
      if (candle.closed && candle.revision > 0) publish(channel, correctionMessage(stamp(channel), candle))
    },
    publishTrade(trade) {
      const channel: Channel = { type: 'trades', exchange: trade.exchange, symbol: trade.symbol, timeframe: '' }
      if (publish(channel, tradeMessage(stamp(channel), trade)) > 0) lag.note(trade)
    },
    publishCoverage(series, stretch, status) {
      const channel = candleChannel(series)
      publish(channel, coverageMessage(stamp(channel), stretch, status))
    },
    totals: () => ({ ...totals, active: clients.size }),
  }
}

/** Names one channel, not several. */
const isExact = ({ exchange, symbol, timeframe }: Channel): boolean => ![exchange, symbol, timeframe].includes(ANY)

const candleChannel = ({ exchange, symbol, timeframe }: Series): Channel => ({
  type: 'candles',
  exchange,
  symbol,
  timeframe,
})
