import type { MarketId } from '../domain/market.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import type { Exchange, StreamEvent } from '../exchanges/exchange.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { createReplayedMarket, type ReplayedMarket } from './replayedMarket.ts'
import { createSentinel, type Sentinel } from './sentinel.ts'
import { type CollectSettings, defaults } from './settings.ts'
import type { Start } from './start.ts'

/** A recording may tell the exchange's time by more than its trades, when that is about the time of receipt. */
const PLAUSIBLE_MS = 60_000

interface Deps {
  readonly exchange: Exchange
  readonly log: Logger
  readonly metrics: Metrics
  readonly settings?: Partial<CollectSettings>
}

/** What a recording came to so far. */
export interface ReplayTally {
  readonly frames: number
  readonly trades: number
  readonly duplicates: number
  /** Frames that say something else than a trade. */
  readonly others: number
  /** Frames that could not be read, or whose trade could not be right. */
  readonly setAside: number
  /** Exchange time whose trades the recording lacks. */
  readonly holes: readonly (MarketId & { readonly from: number; readonly to: number })[]
}

export type Replay = ReturnType<typeof createReplay>

/**
 * Recorded frames through the collector's own parts, without a socket or a clock: time is what the recording says.
 * `frame` and the notes must come in the order of the recording; `drain` may be called at any of its moments, and
 * when it is called has no say in which trades and holes come out.
 */
export function createReplay({ exchange, log, metrics, settings: wanted }: Deps) {
  const settings = { ...defaults, ...wanted }
  const markets = new Map<string, ReplayedMarket>()
  const holes: (MarketId & { from: number; to: number })[] = []
  const sentinel: Sentinel = createSentinel({ exchange, log, metrics, exchangeTime })
  const tally = { frames: 0, trades: 0, duplicates: 0, others: 0, setAside: 0 }
  let now = Number.NEGATIVE_INFINITY
  let looked = Number.NEGATIVE_INFINITY
  let newest = 0
  /** Exchange clock minus the recorder's, by the first trade. */
  let offset: number | undefined
  /** Whether REST answers are part of the recording, so that a jump in the ids may yet be filled. */
  let withRest = false
  let waitForStart = false

  function exchangeTime(ours: number): number | undefined {
    return offset === undefined ? undefined : ours + offset
  }
  function marketOf(symbol: string): ReplayedMarket {
    const known = markets.get(symbol)
    if (known) return known
    const made = createReplayedMarket({
      market: { exchange: exchange.id, symbol },
      settings,
      patienceMs: withRest ? settings.giveUpMs : settings.reorderMs,
      waitForStart,
      confirm: sentinel.confirm,
    })
    markets.set(symbol, made)
    return made
  }

  /** A recording that is silent for long was cut off, or its machine slept: nothing is promised of that time. */
  function advance(to: number): void {
    if (to - now > settings.silenceUnknownMs) for (const market of markets.values()) market.doubt()
    now = Math.max(now, to)
    if (now - looked < settings.tickMs) return
    looked = now
    for (const market of markets.values()) market.expire(now)
  }

  function takeTrade(trade: Trade): void {
    const market = marketOf(trade.symbol)
    if (sentinel.inspect(trade)) {
      tally.setAside += 1
      market.doubt()
      return
    }
    newest = Math.max(newest, trade.time)
    offset ??= trade.time - trade.received
    tally[market.receive(trade, now, newest) === 'duplicate' ? 'duplicates' : 'trades'] += 1
  }

  function takeEvent(event: StreamEvent, received: number): void {
    if (event.type === 'trade') takeTrade(event)
    else if (event.type === 'malformed') takeMalformed(event.market, received)
    else takeOther(event, received)
  }

  function takeMalformed(symbol: string | undefined, received: number): void {
    tally.setAside += 1
    if (symbol === undefined) return
    sentinel.malformed(symbol, received)
    marketOf(symbol).doubt()
  }

  function takeOther(event: StreamEvent, received: number): void {
    tally.others += 1
    if ('time' in event && Math.abs(event.time - received) < PLAUSIBLE_MS) newest = Math.max(newest, event.time)
  }

  function collect(): TradeBatch[] {
    const batches = [...markets.values()].flatMap((market) => market.drain(newest))
    for (const { symbol, hole } of batches) if (hole) holes.push({ exchange: exchange.id, symbol, ...hole })
    return batches
  }

  return {
    /** A frame as the socket brought it. `received` in ms. */
    frame(raw: Buffer, received: number): void {
      tally.frames += 1
      advance(received)
      for (const event of exchange.stream.read(raw, received)) takeEvent(event, received)
      sentinel.look(raw)
    },
    /** The recording holds REST answers too. `whole`: it tells where each market begins. Said before the first frame. */
    withRest(whole: boolean): void {
      withRest = true
      waitForStart = whole
    },
    /** Something of the recording was lost. */
    broken(): void {
      for (const market of markets.values()) market.doubt()
    },
    /** Where the collector that was recorded began a market. */
    began(symbol: string, start: Start): void {
      marketOf(symbol).begin(start, now)
    },
    /** The collector that was recorded promised nothing of a market from here on. */
    down(symbol: string): void {
      markets.get(symbol)?.doubt()
    },
    /** A page of trades by id, as REST gave it. */
    page(symbol: string, trades: readonly Trade[]): void {
      tally.trades += marketOf(symbol).page(trades, now)
    },
    know: sentinel.know,
    /** Receive time of the newest frame, ms; -Infinity before the first. */
    now: () => now,
    drain: collect,
    /** What is still held when the recording ends. */
    finish(): TradeBatch[] {
      for (const market of markets.values()) market.giveUp()
      return collect()
    },
    tally: (): ReplayTally => ({ ...tally, holes: [...holes] }),
    /** What was set aside, by market and kind. */
    drifting: () => sentinel.drifting(now),
    symbols: (): string[] => [...markets.keys()],
  }
}
