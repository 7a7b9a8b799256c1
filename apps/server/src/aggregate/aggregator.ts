import type { Candle } from '../domain/candle.ts'
import { type MarketId, marketKey } from '../domain/market.ts'
import { parents, timeframe } from '../domain/timeframe.ts'
import type { TradeBatch } from '../domain/trade.ts'
import type { Lane, Partial } from './lane.ts'
import { createMarket, emptyStep, type Market, type Step } from './market.ts'

export interface AggregatorSettings {
  /** Codes of the timeframes to make; each must be made of whole candles of the smallest. */
  readonly timeframes: readonly string[]
  /** How long after its end, by the exchange's clock, a candle still waits for trades, ms. */
  readonly latenessMs?: number
  /** Forming candles of a market are at least this far apart, ms. */
  readonly formingMs?: number
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
  const markets = new Map<string, Market>()
  /** Markets with trades since their last forming candles, and when those were made. */
  const changed = new Set<Market>()
  const formedAt = new Map<Market, number>()

  function marketOf(batch: TradeBatch): Market {
    const key = marketKey(batch)
    const known = markets.get(key)
    if (known) return known
    const made = createMarket({ exchange: batch.exchange, symbol: batch.symbol }, chain, latenessMs)
    markets.set(key, made)
    return made
  }

  return {
    /** Takes a batch in; candles that it closes or revises are added to the step. */
    add(batch: TradeBatch, step: Step = emptyStep()): Step {
      const market = marketOf(batch)
      if (market.add(batch, step)) changed.add(market)
      return step
    },

    /** Forming candles of the markets that changed and are due. `now` is any clock that does not go back, ms. */
    forming(now: number): Candle[] {
      const candles: Candle[] = []
      for (const market of changed) {
        if (now - (formedAt.get(market) ?? Number.NEGATIVE_INFINITY) < formingMs) continue
        changed.delete(market)
        formedAt.set(market, now)
        candles.push(...market.forming())
      }
      return candles
    },

    /** Candles of a market that wait for history, smallest timeframe first. */
    waiting(of: MarketId): Waiting[] {
      const market = markets.get(marketKey(of))
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
      const market = markets.get(marketKey({ exchange, symbol }))
      const lane = market?.lanes.find(({ frame }) => frame.code === timeframe)
      if (market && lane) market.complete(lane, partial, history, step)
      if (market) changed.add(market)
      return step
    },

    /** The candles in the making, a lane a timeframe, smallest first; none of a market without trades yet. */
    lanes: (of: MarketId): readonly Lane[] => markets.get(marketKey(of))?.lanes ?? [],

    /** Since when live trades count, ms; undefined for a market without trades yet. */
    liveFrom: (of: MarketId): number | undefined => markets.get(marketKey(of))?.liveFrom(),

    /** Whether quiet candles can't be drawn because no price is known yet. */
    needsClose: (of: MarketId): boolean => markets.get(marketKey(of))?.needsClose() ?? false,

    /** The last price before the live trades. */
    setClose: (of: MarketId, close: number): void => markets.get(marketKey(of))?.setClose(close),

    /** Whether candles of the market wait for history, or quiet ones for a price. */
    isUnsettled(of: MarketId): boolean {
      const market = markets.get(marketKey(of))
      if (!market) return false
      return market.needsClose() || market.lanes.some(({ partials }) => partials.some(({ history }) => !history))
    },
  }
}
