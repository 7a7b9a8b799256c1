import { type Candle, seriesKey } from '../domain/candle.ts'
import { type MarketId, marketKey } from '../domain/market.ts'
import type { Series } from '../store/store.ts'

/** Closed candles kept per series until the store surely has them. */
const RECENT = 64

/** A price and the exchange's time of it, ms. */
export interface Price {
  readonly price: number
  readonly time: number
}

/** The newest of every market, as seen on the bus: what the store does not hold, or not yet. */
export interface LiveState {
  /** False when this very candle, or a newer state of it, has been taken in before. */
  takeCandle(candle: Candle): boolean
  takeTrade(market: MarketId, price: Price): void
  takeTicker(market: MarketId, price: Price): void
  forming(series: Series): Candle | undefined
  /** Closed lately, ascending by time. */
  recent(series: Series): readonly Candle[]
  /** Of the last trade, else of the last ticker. */
  price(market: MarketId): Price | undefined
}

interface SeriesState {
  forming: Candle | undefined
  /** Ascending by time. */
  closed: Candle[]
}

export function createLiveState(): LiveState {
  const series = new Map<string, SeriesState>()
  const trades = new Map<string, Price>()
  const tickers = new Map<string, Price>()

  const stateOf = (candle: Candle): SeriesState => {
    const key = seriesKey(candle)
    const state = series.get(key) ?? { forming: undefined, closed: [] }
    series.set(key, state)
    return state
  }
  const newer = (known: Price | undefined, price: Price): boolean => !known || price.time >= known.time

  return {
    takeCandle(candle) {
      const state = stateOf(candle)
      return candle.closed ? takeClosed(state, candle) : takeForming(state, candle)
    },
    takeTrade(market, price) {
      const key = marketKey(market)
      if (newer(trades.get(key), price)) trades.set(key, price)
    },
    takeTicker(market, price) {
      const key = marketKey(market)
      if (newer(tickers.get(key), price)) tickers.set(key, price)
    },
    forming: (id) => series.get(seriesKey(id))?.forming,
    recent: (id) => series.get(seriesKey(id))?.closed ?? [],
    price: (market) => trades.get(marketKey(market)) ?? tickers.get(marketKey(market)),
  }
}

function takeForming(state: SeriesState, candle: Candle): boolean {
  const lastClosed = state.closed.at(-1)
  if (lastClosed && candle.time <= lastClosed.time) return false
  if (state.forming && candle.time < state.forming.time) return false
  state.forming = candle
  return true
}

function takeClosed(state: SeriesState, candle: Candle): boolean {
  const after = state.closed.findLastIndex(({ time }) => time <= candle.time)
  const known = state.closed[after]
  const same = known?.time === candle.time
  if (same && known.revision >= candle.revision) return false
  state.closed.splice(same ? after : after + 1, same ? 1 : 0, candle)
  if (state.closed.length > RECENT) state.closed.shift()
  if (state.forming && state.forming.time <= candle.time) state.forming = undefined
  return true
}
