import { createHash } from 'node:crypto'
import type { Candle } from '../../domain/candle.ts'
import type { MarketId } from '../../domain/market.ts'
import { MINUTE, openTime, timeframe } from '../../domain/timeframe.ts'
import type { Trade } from '../../domain/trade.ts'
import type { Store } from '../../store/store.ts'

export interface Digest {
  /** SHA-256 over all lines, hexadecimal. */
  readonly hash: string
  readonly trades: number
  readonly candles: ReadonlyMap<string, number>
}

/** The number in a line is the shortest text of the double: the same on every machine. */
const tradeLine = ({ exchange, symbol, id, count, price, quantity, side, time }: Trade): string =>
  `trade ${exchange} ${symbol} ${id} ${count} ${price} ${quantity} ${side} ${time}\n`

const candleLine = (candle: Candle): string => {
  const { exchange, symbol, timeframe: code, time, open, high, low, close, trades, revision, source } = candle
  const volumes = [candle.volume, candle.volumeRest, candle.quoteVolume, candle.quoteVolumeRest].join(' ')
  return `candle ${exchange} ${symbol} ${code} ${time} ${open} ${high} ${low} ${close} ${volumes} ${trades} ${revision} ${source}\n`
}

/**
 * What the store holds of these markets: trades from the first to the last one of `range` (trade time, both inclusive, ms),
 * and the candles that these are part of. Symbols and timeframes in order of their names, each by time.
 */
export async function digest(
  store: Store,
  markets: readonly MarketId[],
  timeframes: readonly string[],
  range: { readonly from: number; readonly to: number },
): Promise<Digest> {
  const sum = createHash('sha256')
  const candles = new Map(timeframes.map((code): [string, number] => [code, 0]))
  let trades = 0
  for (const market of markets.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1))) {
    for (let from = range.from; from <= range.to; from += MINUTE) {
      const part = await store.trades(market, { from, to: Math.min(from + MINUTE, range.to + 1) })
      trades += part.length
      for (const trade of part) sum.update(tradeLine(trade))
    }
    for (const code of timeframes.toSorted()) {
      const rows = await store.candles(
        { ...market, timeframe: code },
        { from: openTime(timeframe(code), range.from), to: range.to },
      )
      candles.set(code, (candles.get(code) ?? 0) + rows.length)
      for (const candle of rows) sum.update(candleLine(candle))
    }
  }
  return { hash: sum.digest('hex'), trades, candles }
}
