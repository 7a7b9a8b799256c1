import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import { parents, timeframe } from '../domain/timeframe.ts'
import type { TradeBatch } from '../domain/trade.ts'
import type { Lane, Partial } from './lane.ts'
import { createMarket, emptyStep, type Market, type Step } from './market.ts'
import { readMemory, writeMemory } from './memory.ts'

export interface AggregatorSettings {
  /** Codes of the timeframes to make; each must be made of whole candles of the smallest. */
  readonly timeframes: readonly string[]
  /** How long after its end, by the exchange's clock, a candle still waits for trades, ms. */
  readonly latenessMs?: number
  /** Forming candles of a market are at least this far apart, ms. */
  readonly formingMs?: number
}

/** A market, and whether it had trades since its forming candles were made last, and when that was. */
interface Seat {
  readonly market: Market
  changed: boolean
  formedAt: number
}

/** A candle that began before the live trades and waits for `[from, to)` from history. */
export interface Waiting extends MarketId {
  readonly timeframe: string
  readonly from: number
  readonly to: number
  readonly partial: Partial
}

export type Aggregator = ReturnType<typeof createAggregator>

/**
 * Trades in, candles out; pure: no clock, no store. What it can't know (the beginning of candles that began before the
 * live trades, closed candles no longer in memory) it asks for. Throws `INVALID_TIMEFRAME`.
 */
export function createAggregator({ timeframes, latenessMs = 2_000, formingMs = 250 }: AggregatorSettings) {
  const chain = parents(timeframes.map(timeframe))
  /** By exchange, then symbol: a key of both would have to be built for each batch. */
  const exchanges = new Map<string, Map<string, Seat>>()
  let changed: Seat[] = []

  const seatOf = ({ exchange, symbol }: MarketId): Seat | undefined => exchanges.get(exchange)?.get(symbol)
  const marketOf = (id: MarketId): Market | undefined => seatOf(id)?.market

  const seatFor = ({ exchange, symbol }: MarketId): Seat =>
    seatOfMarket(createMarket({ exchange, symbol }, chain, latenessMs))

  function seatOfMarket(market: Market): Seat {
    const { exchange, symbol } = market.id
    const made = { market, changed: false, formedAt: Number.NEGATIVE_INFINITY }
    const markets = exchanges.get(exchange) ?? new Map<string, Seat>()
    exchanges.set(exchange, markets.set(symbol, made))
    return made
  }

  function change(seat: Seat): void {
    if (!seat.changed) changed.push(seat)
    seat.changed = true
  }

  return {
    has: (of: MarketId): boolean => seatOf(of) !== undefined,

    /** An earlier process has stored candles up to these open times, by timeframe. */
    expectStored(of: MarketId, storedTo: ReadonlyMap<string, number>): void {
      const { lanes } = (seatOf(of) ?? seatFor(of)).market
      for (const lane of lanes) {
        lane.storedTo = storedTo.get(lane.frame.code) ?? lane.storedTo
        lane.amended = true
      }
    },

    /** Takes a batch in; candles that it closes or revises are added to the step. */
    add(batch: TradeBatch, step: Step = emptyStep()): Step {
      const seat = seatOf(batch) ?? seatFor(batch)
      if (seat.market.add(batch, step)) change(seat)
      return step
    },

    /** Forming candles of the markets that changed and are due. `now` is any clock that does not go back, ms. */
    forming(now: number): Candle[] {
      const candles: Candle[] = []
      const early = changed.filter(({ formedAt }) => now - formedAt < formingMs)
      for (const seat of changed) {
        if (now - seat.formedAt < formingMs) continue
        seat.changed = false
        seat.formedAt = now
        candles.push(...seat.market.forming())
      }
      changed = early
      return candles
    },

    /** All that is remembered of a market, as text. */
    save(of: MarketId): string | undefined {
      const market = marketOf(of)
      if (!market) return undefined
      for (const lane of market.lanes) lane.amended = false
      return writeMemory(market.memory(), market.lanes, latenessMs)
    },

    /**
     * Goes on from what was saved of a market that is not known here, as though there had been no other process.
     * Throws a plain Error when it was saved with other settings.
     */
    restore(of: MarketId, saved: string): void {
      const market = createMarket({ exchange: of.exchange, symbol: of.symbol }, chain, latenessMs)
      market.recall(readMemory(saved, market.lanes, latenessMs))
      seatOfMarket(market)
    },

    /** Markets that history or the store, and not trades alone, has changed since they were saved. */
    amended(): MarketId[] {
      const all = [...exchanges.values()].flatMap((markets) => [...markets.values()])
      return all.filter(({ market }) => market.lanes.some((lane) => lane.amended)).map(({ market }) => market.id)
    },

    /** The markets that are known, each with where trades came that no live candle took in. */
    markets(): { market: MarketId; remake: Interval | undefined }[] {
      const all = [...exchanges.values()].flatMap((markets) => [...markets.values()])
      return all.map(({ market }) => ({ market: market.id, remake: market.remake() }))
    },

    /** Candles of a market that wait for history, smallest timeframe first. */
    waiting(of: MarketId): Waiting[] {
      const market = marketOf(of)
      if (!market) return []
      return market.lanes.flatMap(({ frame, partials }) =>
        partials
          .filter(({ history }) => !history)
          .map((partial) => ({ ...market.id, timeframe: frame.code, from: partial.open, to: partial.until, partial })),
      )
    },

    /**
     * Gives a waiting candle the candles of its `[from, to)`: those that traded, ascending, none straddling a border.
     * From then on it is published like any other; at once when it is closed already.
     */
    complete({ exchange, symbol, timeframe, partial }: Waiting, history: readonly Candle[]): Step {
      const step = emptyStep()
      const seat = seatOf({ exchange, symbol })
      const lane = seat?.market.lanes.find(({ frame }) => frame.code === timeframe)
      if (seat && lane) seat.market.complete(lane, partial, history, step)
      if (seat) change(seat)
      return step
    },

    /** The candles in the making, a lane a timeframe, smallest first; none of a market without trades yet. */
    lanes: (of: MarketId): readonly Lane[] => marketOf(of)?.lanes ?? [],

    /** Since when live trades count, ms; undefined for a market without trades yet. */
    liveFrom: (of: MarketId): number | undefined => marketOf(of)?.liveFrom(),

    /** Whether quiet candles can't be drawn because no price is known yet. */
    needsClose: (of: MarketId): boolean => marketOf(of)?.needsClose() ?? false,

    /** The last price before the live trades. */
    setClose: (of: MarketId, close: number): void => marketOf(of)?.setClose(close),

    /** Whether candles of the market wait for history, or quiet ones for a price. */
    isUnsettled(of: MarketId): boolean {
      const market = marketOf(of)
      if (!market) return false
      return market.needsClose() || market.lanes.some(({ partials }) => partials.some(({ history }) => !history))
    },
  }
}
