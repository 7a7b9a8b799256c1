import type { Candle } from '../../domain/candle.ts'
import { marketKey } from '../../domain/market.ts'
import { exactText } from '../../lib/decimal.ts'
import type { Topic, Topics } from '../bus.ts'

/** Headers of every record we write. `event-id` is the same wherever and however often the same fact is written. */
export const headersOf = (schema: string, id: string, time: number, received: number): Record<string, string> => ({
  'event-id': id,
  schema,
  'ts-exchange': String(time),
  'ts-received': String(received),
})

/** A forming candle has no id of its own: what it holds tells one state from the next. */
export function candleId(candle: Candle): string {
  const id = `${marketKey(candle)}:${candle.timeframe}:${candle.time}:${candle.revision}`
  return candle.closed ? id : `${id}:${candle.trades}:${exactText(candle.volume, candle.volumeRest)}`
}

/** What tells one event of a market and topic from another. */
const parts: { [T in Topic]: (event: Topics[T]) => (string | number)[] } = {
  trades: ({ upTo, trades, hole, filled, doubtFrom, halted }) => [
    upTo,
    trades[0]?.id ?? '',
    trades.length,
    ...(hole ? [hole.from, hole.to] : []),
    ...(filled ? ['filled', filled.from, filled.to] : []),
    ...(doubtFrom === undefined ? [] : ['doubt', doubtFrom]),
    ...(halted ? ['halted'] : []),
  ],
  exchangeCandles: (candle) => [candleId(candle), candle.close],
  tickers: ({ time, received }) => [time, received],
  tops: ({ sequence }) => [sequence],
  books: ({ kind, firstSequence, lastSequence }) => [kind, firstSequence, lastSequence],
  feed: ({ time, state }) => [time, state],
  markets: ({ time, change }) => [time, change],
  filled: ({ timeframe, from, to, candles, repaired }) => [timeframe, from, to, candles, repaired ? 'repaired' : ''],
  gaps: ({ from, to }) => [from, to],
  candles: (candle) => [candleId(candle), candle.close],
}

export const eventId = <T extends Topic>(topic: T, event: Topics[T]): string =>
  [marketKey(event), topic, ...parts[topic](event)].join(':')
