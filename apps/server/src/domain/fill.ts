import type { Candle } from './candle.ts'
import { type Coverage, covers, type Interval, knownIntervals } from './coverage.ts'
import { union } from './intervals.ts'
import type { MarketId } from './market.ts'
import { nextOpen, openTime, type Timeframe } from './timeframe.ts'

/** The flat candle of an interval in which the feed was healthy and nothing traded. `close` is the last price before. */
export const flatCandle = ({ exchange, symbol }: MarketId, timeframe: string, time: number, close: number): Candle => ({
  exchange,
  symbol,
  timeframe,
  time,
  open: close,
  high: close,
  low: close,
  close,
  volume: 0,
  volumeRest: 0,
  quoteVolume: 0,
  quoteVolumeRest: 0,
  trades: 0,
  closed: true,
  revision: 0,
  source: 'filled',
})

/**
 * One series' candles that open in `[from, to)`, with a flat one for each interval that lacks one and in which, by
 * `coverage` (of trades and of any timeframe of the market), nothing traded. Nothing is drawn where coverage is
 * unknown or silent, nor after such a stretch before the next trade, for the price may have moved in it.
 * `candles` ascend; `previousClose` is the last price before `from`, if known. Only candles that end by `to` are made.
 */
export function fillQuiet(
  candles: readonly Candle[],
  coverage: readonly Coverage[],
  frame: Timeframe,
  from: number,
  to: number,
  previousClose?: number,
): Candle[] {
  const market = candles[0] ?? coverage[0]
  if (!market) return []
  const known = knownIntervals(coverage)
  const filled: Candle[] = []
  let close = previousClose
  let next = openTime(frame, from)
  if (next < from) next = nextOpen(frame, next)
  for (const end of [...candles, undefined]) {
    close = fillUntil(filled, market, known, frame, next, end ? end.time : to, close)
    if (!end) break
    filled.push(end)
    close = end.close
    next = nextOpen(frame, end.time)
  }
  return filled
}

/**
 * Leaves out flat candles of stretches in which something traded after all: trades and what they cover reach the store
 * before their candles do, long before when the process stopped in between. From that trade to the next candle the
 * price is not known. `firstTrade` tells when something first traded in a stretch, ms.
 */
export async function withoutTraded(
  candles: readonly Candle[],
  frame: Timeframe,
  firstTrade: (stretch: Interval) => Promise<number | undefined>,
): Promise<readonly Candle[]> {
  const isFlat = ({ source }: Candle) => source === 'filled'
  const spans = candles.filter(isFlat).map(({ time }) => ({ from: time, to: nextOpen(frame, time) }))
  const wrong: Interval[] = []
  for (const stretch of union(spans)) {
    const traded = await firstTrade(stretch)
    if (traded !== undefined) wrong.push({ from: openTime(frame, traded), to: stretch.to })
  }
  if (wrong.length === 0) return candles
  return candles.filter((one) => !isFlat(one) || !wrong.some(({ from, to }) => one.time >= from && one.time < to))
}

/** Appends flat candles from `open` to `end`; answers the last price if it is still known there. */
function fillUntil(
  into: Candle[],
  market: MarketId,
  known: readonly Interval[],
  frame: Timeframe,
  open: number,
  end: number,
  close: number | undefined,
): number | undefined {
  let price = close
  let next = nextOpen(frame, open)
  for (let time = open; next <= end && price !== undefined; time = next, next = nextOpen(frame, time)) {
    if (covers(known, time, next)) into.push(flatCandle(market, frame.code, time, price))
    else price = undefined
  }
  return price
}
