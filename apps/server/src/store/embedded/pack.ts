import { type Candle, seriesKey } from '../../domain/candle.ts'
import type { Coverage } from '../../domain/coverage.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import { type MarketId, marketKey } from '../../domain/market.ts'
import type { Message } from '../../domain/message.ts'
import type { Trade } from '../../domain/trade.ts'
import { SIDES, SOURCES } from '../codes.ts'
import type { Job, Series } from '../store.ts'

/** Numbers of one packed candle: series (place in the list), open time in seconds, then its columns. */
export const CANDLE_WIDTH = 13
/** Numbers of one packed trade: market (place in the list), id (or its place in the list), then its columns. */
export const TRADE_WIDTH = 8

export interface PackedTrades {
  readonly markets: MarketId[]
  readonly rows: Float64Array<ArrayBuffer>
}

/** What the writing thread is asked to do. Rows travel as one block of doubles, handed over without a copy. */
export type Op =
  | {
      readonly kind: 'candles'
      readonly series: Series[]
      readonly rows: Float64Array<ArrayBuffer>
      /** When they became known to us, ms. */
      readonly knownAt: number
    }
  | {
      readonly kind: 'trades'
      readonly counted: PackedTrades
      readonly named: PackedTrades
      /** The ids of the named ones. */
      readonly ids: string[]
      /** What they complete. */
      readonly covered: readonly Coverage[]
    }
  | {
      readonly kind: 'prune'
      readonly what: 'trades' | 'revisions' | 'jobs'
      /** Ms. */
      readonly before: number
      readonly limit: number
    }
  | { readonly kind: 'cover'; readonly intervals: readonly Coverage[] }
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'ledger'; readonly rows: readonly LedgerRow[] }
  | { readonly kind: 'messages'; readonly messages: readonly Message[] }

export function packCandles(candles: readonly Candle[], knownAt: number): Op {
  const places = numbering<Series>(({ exchange, symbol, timeframe }) => ({ exchange, symbol, timeframe }), seriesKey)
  const rows = new Float64Array(candles.length * CANDLE_WIDTH)
  let at = 0
  for (const candle of candles) {
    rows[at] = places.of(candle)
    rows[at + 1] = candle.time / 1000
    rows[at + 2] = candle.open
    rows[at + 3] = candle.high
    rows[at + 4] = candle.low
    rows[at + 5] = candle.close
    rows[at + 6] = candle.volume
    rows[at + 7] = candle.volumeRest
    rows[at + 8] = candle.quoteVolume
    rows[at + 9] = candle.quoteVolumeRest
    rows[at + 10] = candle.trades
    rows[at + 11] = candle.revision
    rows[at + 12] = SOURCES.indexOf(candle.source)
    at += CANDLE_WIDTH
  }
  return { kind: 'candles', series: places.list, rows, knownAt }
}

/** Counted trades and named ones go to different tables. */
export function packTrades(trades: readonly Trade[], covered: readonly Coverage[]): Op {
  const counted = trades.filter((trade) => typeof trade.id === 'number')
  const named = trades.filter((trade) => typeof trade.id === 'string')
  return {
    kind: 'trades',
    counted: packRows(counted, (trade) => Number(trade.id)),
    named: packRows(named, (_, index) => index),
    ids: named.map((trade) => String(trade.id)),
    covered: covered.map(onlyFields),
  }
}

/** Only the fields of an interval: what else an object carries may not be able to change threads. */
const onlyFields = ({ exchange, symbol, series, from, to, state }: Coverage): Coverage => ({
  exchange,
  symbol,
  series,
  from,
  to,
  state,
})

export const packCoverage = (intervals: readonly Coverage[]): Op => ({
  kind: 'cover',
  intervals: intervals.map(onlyFields),
})

/** The blocks of an op that change threads without a copy. */
export function buffersOf(op: Op): ArrayBuffer[] {
  if (op.kind === 'candles') return [op.rows.buffer]
  return op.kind === 'trades' ? [op.counted.rows.buffer, op.named.rows.buffer] : []
}

function packRows(trades: readonly Trade[], id: (trade: Trade, index: number) => number): PackedTrades {
  const places = numbering<MarketId>(({ exchange, symbol }) => ({ exchange, symbol }), marketKey)
  const rows = new Float64Array(trades.length * TRADE_WIDTH)
  trades.forEach((trade, index) => {
    const at = index * TRADE_WIDTH
    rows[at] = places.of(trade)
    rows[at + 1] = id(trade, index)
    rows[at + 2] = trade.count
    rows[at + 3] = trade.price
    rows[at + 4] = trade.quantity
    rows[at + 5] = SIDES.indexOf(trade.side)
    rows[at + 6] = trade.time
    rows[at + 7] = trade.received
  })
  return { markets: places.list, rows }
}

/** Numbers things by their key in the order of first sight. */
function numbering<T>(pick: (item: T) => T, key: (item: T) => string) {
  const places = new Map<string, number>()
  const list: T[] = []
  return {
    list,
    of: (item: T): number => {
      const name = key(item)
      const known = places.get(name)
      if (known !== undefined) return known
      places.set(name, list.length)
      return list.push(pick(item)) - 1
    },
  }
}
