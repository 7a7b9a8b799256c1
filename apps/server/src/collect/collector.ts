import { setInterval } from 'node:timers/promises'
import type { Bus } from '../bus/bus.ts'
import type { Interval } from '../domain/coverage.ts'
import type { Market, MarketId } from '../domain/market.ts'
import type { Trade } from '../domain/trade.ts'
import type { Channel, Exchange, StreamRequest } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { failure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { createExchangeClock } from './clock.ts'
import { type Connection, openConnection } from './connection.ts'
import { createInspector } from './inspect.ts'
import { createIntake } from './intake.ts'
import { createLag } from './lag.ts'
import { createMarketFeed, type MarketFeed } from './market.ts'
import { createPublisher } from './publisher.ts'
import { createQuarantine, type QuarantineFile } from './quarantine.ts'
import { createSentinel } from './sentinel.ts'
import { type CollectSettings, defaults } from './settings.ts'
import { createShard, type Shard } from './shard.ts'
import { createShards } from './shards.ts'
import type { Start } from './start.ts'
import { type CollectorStatus, statusOf } from './status.ts'
import { createTwin } from './twin.ts'
import { createWindow } from './window.ts'

/** Part of the exchange's connection limit that is used; the rest is for others behind the same address. */
const CONNECT_SHARE = 0.9
/** Part of the request budget that goes into polling trades without a socket. */
const POLL_SHARE = 0.5
/** How long the exchange is asked, before a stop, whether silent markets really were silent, ms. */
const LAST_LOOK_MS = 2_000

export interface CollectorDeps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly wsUrl: string
  readonly bus: Bus
  /** The trade to go on after, from the store. */
  readonly lastTrade: (market: MarketId) => Promise<Trade | undefined>
  /** The last stretch of which all trades are said to be known, from the store: a market without trades goes on there. */
  readonly known?: (market: MarketId) => Promise<Interval | undefined>
  readonly symbols: readonly string[]
  /** Streams beside the trades. */
  readonly channels?: readonly Exclude<Channel, 'trades'>[]
  /** Timeframe of the `candles` channel. */
  readonly timeframe?: string
  readonly log: Logger
  readonly metrics: Metrics
  readonly settings?: Partial<CollectSettings>
  /** Where frames that were set aside are kept for longer. */
  readonly quarantineFile?: QuarantineFile
  /** Told of all that comes in, as it comes. */
  readonly capture?: Capture
  readonly now?: () => number
}

/** What a recorder wants to know to play a run again. */
export interface Capture {
  frame(raw: Buffer, received: number): void
  began(market: MarketId, start: Start): void
  /** Nothing is promised of this market until its ids go on without a gap. */
  down(market: MarketId, reason: string): void
}

export interface Collector {
  /** What the exchange says of its markets, for the watch over its data. */
  know(markets: readonly Market[]): void
  /** Collects until the signal aborts; then closes the sockets and publishes what it has. */
  run(signal: AbortSignal): Promise<void>
  add(symbols: readonly string[]): void
  remove(symbols: readonly string[]): void
  /** The exchange says that a market does not trade, or that it does again. */
  halt(symbol: string, halted: boolean): void
  status(): CollectorStatus
}

/** Exchange sockets → bus, without loss: see `market.ts` for how a market's trades stay in order. */
export function createCollector(deps: CollectorDeps): Collector {
  const { exchange, rest, wsUrl, bus, lastTrade, log, metrics, now = Date.now } = deps
  if (!exchange.countedIds)
    throw failure('INVALID_SETTING', { name: 'exchange', reason: `${exchange.id} does not count its trade ids` })
  const settings: CollectSettings = { ...defaults, ...deps.settings }
  const channels: readonly Channel[] = ['trades', ...new Set(deps.channels ?? [])]

  const feeds = new Map<string, MarketFeed>()
  const dirty = new Set<MarketFeed>()
  const symbolOfTopic = new Map<string, string>()
  const symbolsOn = new WeakMap<Connection, Set<string>>()
  const quarantine = createQuarantine(exchange.id, metrics, deps.quarantineFile)
  const frames = metrics.frames.labels({ exchange: exchange.id })
  const clock = createExchangeClock({ exchange, rest, log, everyMs: settings.clockEveryMs, now })
  const inspector = createInspector({ exchange, rest, settings, log, metrics, now })
  const sentinel = createSentinel({ exchange, log, metrics, exchangeTime: clock.at })
  const { capture } = deps
  let messages = 0
  let lastMessageAt = 0
  let refills = 0
  let reconnects = 0
  let wanted: number | undefined = now()

  const publisher = createPublisher({
    bus,
    log,
    metrics,
    now,
    clockOffset: () => clock.offset(),
    highWater: settings.highWater,
    drain() {
      const batches = [...dirty].flatMap((feed) => feed.drain())
      dirty.clear()
      return batches
    },
    waiting: () => [...dirty].reduce((sum, feed) => sum + feed.ready(), 0),
    pressure(high) {
      for (const connection of connections()) connection[high ? 'pause' : 'resume']()
    },
  })

  const intake = createIntake({
    feed: (symbol) => feeds.get(symbol),
    publisher,
    quarantine,
    retire: (connection) => retire(connection, 'retire'),
    sentinel,
  })
  const request = (channel: Channel, symbol: string): StreamRequest =>
    channel === 'candles' ? { channel, symbol, timeframe: deps.timeframe ?? '1m' } : { channel, symbol }
  const topicsOf = (symbol: string) => channels.map((channel) => exchange.stream.topic(request(channel, symbol)))
  const turns = createWindow(
    Math.max(1, Math.floor(exchange.limits.connectsPerWindow * CONNECT_SHARE)),
    exchange.limits.connectWindowMs,
    now,
  )
  const shards = createShards({
    streamsPerConnection: Math.min(exchange.limits.streamsPerConnection, settings.streamsPerConnection),
    streamsPerSymbol: channels.length,
    topics: topicsOf,
    create: () => (settings.hotHot ? createTwin(createOne) : createOne()),
  })
  function createOne(): Shard {
    return createShard({
      exchange,
      settings,
      log,
      metrics,
      now,
      open,
      async turn(signal) {
        await publisher.room(signal)
        await turns.take(signal)
      },
      reconnected() {
        reconnects += 1
      },
    })
  }
  const connections = () => shards.all().flatMap((shard) => shard.connections())

  function open(topics: readonly string[]): Connection {
    return openConnection({ exchange, wsUrl, settings, now, events: { frame, subscribed, refused, closed } }, topics)
  }

  function retire(connection: Connection, reason: 'retire' | 'deaf'): void {
    for (const shard of shards.all()) shard.retire(connection, reason)
  }

  function subscribed(connection: Connection, topics: readonly string[]): void {
    const symbols = symbolsOn.get(connection) ?? new Set()
    symbolsOn.set(connection, symbols)
    for (const topic of topics) {
      const symbol = symbolOfTopic.get(topic)
      const feed = symbol === undefined ? undefined : feeds.get(symbol)
      if (!feed || symbol === undefined) continue
      symbols.add(symbol)
      feed.attach(connection)
    }
  }
  function refused(_connection: Connection, topics: readonly string[], reason: string): void {
    log.error(
      { exchange: exchange.id, topics: topics.slice(0, 10), count: topics.length, reason },
      'topics were refused',
    )
  }
  function closed(connection: Connection, reason: string): void {
    for (const symbol of symbolsOn.get(connection) ?? []) feeds.get(symbol)?.detach(connection, reason)
  }

  function frame(connection: Connection, raw: Buffer, received: number): void {
    messages += 1
    lastMessageAt = received
    frames.inc()
    capture?.frame(raw, received)
    for (const event of exchange.stream.read(raw, received)) intake(connection, event, raw, received)
    sentinel.look(raw)
    publisher.wake()
  }

  function add(symbols: readonly string[]): void {
    // The first ones were wanted from the start, even if the exchange could not be asked for their names before.
    const since = wanted ?? now()
    if (symbols.length > 0) wanted = undefined
    for (const symbol of symbols) {
      if (feeds.has(symbol)) continue
      feeds.set(symbol, createMarketFeed(marketDeps, symbol, since))
      symbolOfTopic.set(exchange.stream.topic(request('trades', symbol)), symbol)
      shards.add(symbol)
    }
  }
  function remove(symbols: readonly string[]): void {
    for (const symbol of symbols) {
      const feed = feeds.get(symbol)
      if (!feed) continue
      shards.remove(symbol)
      feeds.delete(symbol)
      sentinel.forget(symbol)
      symbolOfTopic.delete(exchange.stream.topic(request('trades', symbol)))
      for (const connection of connections()) symbolsOn.get(connection)?.delete(symbol)
      publisher.feed({ exchange: exchange.id, symbol, state: 'down', reason: 'removed', time: now() })
      publisher.wake()
    }
  }

  const marketDeps = {
    exchange,
    rest,
    clock,
    before: async (market: MarketId) => ({ last: await lastTrade(market), known: await deps.known?.(market) }),
    settings,
    log,
    metrics,
    now,
    changed(feed: MarketFeed) {
      dirty.add(feed)
      publisher.wake()
    },
    feed(market: MarketId, state: 'up' | 'down', reason: string) {
      if (state === 'down') capture?.down(market, reason)
      publisher.feed({ exchange: market.exchange, symbol: market.symbol, state, reason, time: now() })
      publisher.wake()
    },
    room: publisher.room,
    deaf: (connection: Connection) => retire(connection, 'deaf'),
    pollEveryMs,
    lag: createLag(),
    confirm: sentinel.confirm,
    ...(capture && { began: capture.began }),
  }

  /** Polling all markets takes at most its share of the budget. */
  function pollEveryMs(): number {
    const weight = feeds.size * exchange.rest.tradesFrom({ symbol: '', fromId: 0 }).weight
    const { limit } = rest.usage()
    return Math.max(settings.pollEveryMs, (weight / (limit * POLL_SHARE)) * exchange.limits.weightWindowMs)
  }

  function tick(signal: AbortSignal): void {
    const at = now()
    inspector.tick(feeds.values(), signal)
    for (const feed of [...feeds.values()]) {
      dirty.add(feed)
      feed.expire(at)
      if (refills >= settings.refillsAtOnce || !feed.due(at)) continue
      refills += 1
      // To the end of the line, so that every market has its turn when there are many.
      feeds.delete(feed.symbol)
      feeds.set(feed.symbol, feed)
      feed.tend(signal).finally(() => {
        refills -= 1
      })
    }
    publisher.wake()
  }

  /** Whoever asks the store after the stop must not be told that a silent market was complete, if it was not. */
  async function lastLook(outer: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([outer, AbortSignal.timeout(LAST_LOOK_MS)])
    await inspector.last(
      [...feeds.values()].filter((feed) => feed.presumed()),
      signal,
    )
    for (const feed of feeds.values()) {
      if (signal.aborted) return
      if (feed.behind()) await feed.tend(signal)
    }
  }

  async function ticking(signal: AbortSignal): Promise<void> {
    try {
      for await (const _ of setInterval(settings.tickMs, undefined, { signal })) tick(signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  add(deps.symbols)
  return {
    add,
    remove,
    halt: (symbol, halted) => feeds.get(symbol)?.halt(halted),
    know: sentinel.know,
    status: () =>
      statusOf({
        exchange: exchange.id,
        feeds: [...feeds.values()],
        shards: shards.all(),
        restCircuit: rest.usage().breaker ?? 'closed',
        lastMessageAt,
        reconnects,
        messagesReceived: messages,
        clockOffset: clock.offset(),
        quarantined: quarantine.recent(),
        drifting: sentinel.drifting(now()),
      }),
    async run(outer) {
      const stop = new AbortController()
      const { signal } = stop
      const leave = () => lastLook(signal).finally(() => stop.abort())
      outer.addEventListener('abort', leave, { once: true })
      if (outer.aborted) stop.abort()
      const parts = [clock.run(signal), shards.run(signal), ticking(signal), publisher.run(signal)]
      try {
        await Promise.all(parts.map((part) => part.finally(() => stop.abort())))
      } finally {
        outer.removeEventListener('abort', leave)
        await Promise.allSettled(parts)
        await publisher.flush(signal)
        await publisher.last(
          [...feeds.values()].flatMap((feed) => feed.leave()),
          signal,
        )
      }
    },
  }
}
