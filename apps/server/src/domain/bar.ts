import { addAmount, addProduct, addUnits, nearestValue, restOf, setUnits } from '../lib/exact.ts'
import type { Candle, CandleSource } from './candle.ts'
import type { MarketId } from './market.ts'

/**
 * A bar is a candle in the making: a row of `WIDTH` doubles in a Float64Array, so that a trade costs no object.
 * Open and close are those of the lowest and highest trade id, not of the first and last to arrive, which makes
 * the fold commutative: any order and any split of the same trades gives the same bar.
 */
export const START = 0
export const END = 1
const OPEN = 2
const HIGH = 3
const LOW = 4
export const CLOSE = 5
/** Base units of 1e-8, exact, in two parts (`lib/exact.ts`); `VOLUME + 1` is the low part. The same for `QUOTE`. */
const VOLUME = 6
const QUOTE = 8
const TRADES = 10
/** Order of the first and last trade: their ids, or numbers in order of arrival. `HISTORY` before any live trade. */
export const FIRST = 11
export const LAST = 12
export const REVISION = 13
/** 0 while all of it was folded from trades, 1 when a candle of the exchange is part of it. */
const ORIGIN = 14
export const WIDTH = 16

/** `FIRST` and `LAST` of a bar made of candles, which carry no ids: it comes before all that is folded live. */
const HISTORY = -1

/** An empty bar for `[start, end)`. */
export function clearBar(rows: Float64Array, at: number, start: number, end: number): void {
  rows.fill(0, at, at + WIDTH)
  rows[at + START] = start
  rows[at + END] = end
}

/** Whether nothing has been put into the bar yet. A traded bar has a price, and prices are above 0. */
export const isEmpty = (rows: Float64Array, at: number): boolean => rows[at + HIGH] === 0

/**
 * Puts a trade into a bar. The caller has chosen the bar by the trade's time and left out prices and quantities of 0.
 * `order` is the trade's id, or a number that grows with arrival; `count` how many raw trades it holds.
 */
export function addTrade(
  rows: Float64Array,
  at: number,
  price: number,
  quantity: number,
  order: number,
  count: number,
): void {
  if (rows[at + HIGH] === 0) {
    rows[at + OPEN] = rows[at + HIGH] = rows[at + LOW] = rows[at + CLOSE] = price
    rows[at + FIRST] = rows[at + LAST] = order
  } else {
    if (price > rows[at + HIGH]!) rows[at + HIGH] = price
    if (price < rows[at + LOW]!) rows[at + LOW] = price
    if (order > rows[at + LAST]!) {
      rows[at + CLOSE] = price
      rows[at + LAST] = order
    } else if (order < rows[at + FIRST]!) {
      rows[at + OPEN] = price
      rows[at + FIRST] = order
    }
  }
  addAmount(rows, at + VOLUME, quantity)
  addProduct(rows, at + QUOTE, price, quantity)
  rows[at + TRADES] = rows[at + TRADES]! + count
}

/** Puts one bar into another that holds its interval. Bars made of candles must come in order of time. */
export function mergeBar(into: Float64Array, at: number, from: Float64Array, source: number): void {
  if (isEmpty(from, source)) return
  if (isEmpty(into, at)) {
    for (let field = OPEN; field <= LAST; field++) into[at + field] = from[source + field]!
    into[at + ORIGIN] = from[source + ORIGIN]!
    return
  }
  if (from[source + HIGH]! > into[at + HIGH]!) into[at + HIGH] = from[source + HIGH]!
  if (from[source + LOW]! < into[at + LOW]!) into[at + LOW] = from[source + LOW]!
  if (from[source + LAST]! >= into[at + LAST]!) {
    into[at + CLOSE] = from[source + CLOSE]!
    into[at + LAST] = from[source + LAST]!
  }
  if (from[source + FIRST]! < into[at + FIRST]!) {
    into[at + OPEN] = from[source + OPEN]!
    into[at + FIRST] = from[source + FIRST]!
  }
  addUnits(into, at + VOLUME, from[source + VOLUME]!, from[source + VOLUME + 1]!)
  addUnits(into, at + QUOTE, from[source + QUOTE]!, from[source + QUOTE + 1]!)
  into[at + TRADES] = into[at + TRADES]! + from[source + TRADES]!
  if (from[source + ORIGIN]) into[at + ORIGIN] = 1
}

/** The bar of a candle that traded. Its end must be set already. */
export function setCandle(rows: Float64Array, at: number, candle: Candle): void {
  rows[at + OPEN] = candle.open
  rows[at + HIGH] = candle.high
  rows[at + LOW] = candle.low
  rows[at + CLOSE] = candle.close
  setUnits(rows, at + VOLUME, candle.volume, candle.volumeRest)
  setUnits(rows, at + QUOTE, candle.quoteVolume, candle.quoteVolumeRest)
  rows[at + TRADES] = candle.trades
  rows[at + FIRST] = rows[at + LAST] = HISTORY
  rows[at + REVISION] = candle.revision
  rows[at + ORIGIN] = candle.source === 'trades' ? 0 : 1
}

/** A bar read out. */
export function toCandle(
  rows: Float64Array,
  at: number,
  { exchange, symbol }: MarketId,
  timeframe: string,
  closed: boolean,
): Candle {
  return {
    exchange,
    symbol,
    timeframe,
    time: rows[at + START]!,
    open: rows[at + OPEN]!,
    high: rows[at + HIGH]!,
    low: rows[at + LOW]!,
    close: rows[at + CLOSE]!,
    volume: nearestValue(rows[at + VOLUME]!, rows[at + VOLUME + 1]!),
    volumeRest: restOf(rows[at + VOLUME]!, rows[at + VOLUME + 1]!),
    quoteVolume: nearestValue(rows[at + QUOTE]!, rows[at + QUOTE + 1]!),
    quoteVolumeRest: restOf(rows[at + QUOTE]!, rows[at + QUOTE + 1]!),
    trades: rows[at + TRADES]!,
    closed,
    revision: rows[at + REVISION]!,
    source: sourceOf(rows, at),
  }
}

const sourceOf = (rows: Float64Array, at: number): CandleSource => (rows[at + ORIGIN] ? 'backfill' : 'trades')
