import { type Candle, seriesKey } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { type MarketId, marketKey } from '../domain/market.ts'
import { nextOpen, timeframe } from '../domain/timeframe.ts'
import type { Series } from '../store/store.ts'

/** Candles of one series that may wait for their close; more means that a close was lost. */
const FORMING = 3
/** Closed candles kept per series until the store surely has them. */
const RECENT = 64

/** A price and the exchange's time of it, ms. */
export interface Price {
  readonly price: number
  readonly time: number
}

/** The newest of every market, as seen on the bus: what the store does not hold, or not yet. */
export interface LiveState {
  /** False when this very candle, or a newer state of it, has been taken in lately. */
  takeCandle(candle: Candle): boolean
  /** Flat candles that touch the stretch are void: nobody knows what traded there. */
  withdraw(stretch: MarketId & Interval): void
  takeTrade(market: MarketId, price: Price): void
  takeTicker(market: MarketId, price: Price): void
  /** Not closed yet, ascending by time: one, or two for the moment in which late trades may still reach the older. */
  forming(series: Series): readonly Candle[]
  /** Closed lately, ascending by time. */
  recent(series: Series): readonly Candle[]
  /** Of the last trade, else of the last ticker. */
  price(market: MarketId): Price | undefined
}

interface SeriesState {
  /** Ascending by time, as are the closed ones. */
  forming: Candle[]
  closed: Candle[]
}

export function createLiveState(): LiveState {
  const series = new Map<string, SeriesState>()
  const trades = new Map<string, Price>()
  const tickers = new Map<string, Price>()

  const stateOf = (candle: Candle): SeriesState => {
    const key = seriesKey(candle)
    const state = series.get(key) ?? { forming: [], closed: [] }
    series.set(key, state)
    return state
  }
  const newer = (known: Price | undefined, price: Price): boolean => !known || price.time >= known.time

  return {
    takeCandle(candle) {
      const state = stateOf(candle)
      return candle.closed ? takeClosed(state, candle) : takeForming(state, candle)
    },
    withdraw({ exchange, symbol, from, to }) {
      const isVoid = (candle: Candle) =>
        candle.source === 'filled' && candle.time < to && nextOpen(timeframe(candle.timeframe), candle.time) > from
      for (const state of series.values()) {
        const [one] = state.closed
        if (one?.exchange !== exchange || one.symbol !== symbol) continue
        state.closed = state.closed.filter((candle) => !isVoid(candle))
      }
    },
    takeTrade(market, price) {
      const key = marketKey(market)
      if (newer(trades.get(key), price)) trades.set(key, price)
    },
    takeTicker(market, price) {
      const key = marketKey(market)
      if (newer(tickers.get(key), price)) tickers.set(key, price)
    },
    forming: (id) => series.get(seriesKey(id))?.forming ?? [],
    recent: (id) => series.get(seriesKey(id))?.closed ?? [],
    price: (market) => trades.get(marketKey(market)) ?? tickers.get(marketKey(market)),
  }
}

/** False for an older one than the newest: it is kept, but no news. */
function takeForming(state: SeriesState, candle: Candle): boolean {
  const lastClosed = state.closed.at(-1)
  if (lastClosed && candle.time <= lastClosed.time) return false
  put(state.forming, candle)
  if (state.forming.length > FORMING) state.forming.shift()
  return state.forming.at(-1) === candle
}

function takeClosed(state: SeriesState, candle: Candle): boolean {
  const known = state.closed.findLast(({ time }) => time <= candle.time)
  if (known?.time === candle.time && known.revision >= candle.revision) return false
  put(state.closed, candle)
  if (state.closed.length > RECENT) state.closed.shift()
  state.forming = state.forming.filter(({ time }) => time > candle.time)
  return true
}

/** Puts a candle into an ascending list, in place of one of its time. */
function put(list: Candle[], candle: Candle): void {
  const before = list.findLastIndex(({ time }) => time <= candle.time)
  const same = list[before]?.time === candle.time
  list.splice(same ? before : before + 1, same ? 1 : 0, candle)
}
