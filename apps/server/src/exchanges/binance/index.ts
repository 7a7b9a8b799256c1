import type { Exchange } from '../exchange.ts'
import { refusal, usedWeight } from './refusal.ts'
import { PAGE, rest, SYMBOLS } from './rest.ts'
import { createStream } from './stream.ts'

const MINUTE = 60_000

/** Binance spot. Its market data needs no key. */
export const binance: Exchange = {
  id: 'binance',
  name: 'Binance',
  restUrl: 'https://api.binance.com',
  wsUrl: 'wss://stream.binance.com:9443',
  timeframes: ['1s', '1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '8h', '12h', '1d', '3d', '1w', '1M'],
  countedIds: true,
  limits: {
    weight: 6000,
    weightWindowMs: MINUTE,
    calendarWindows: true,
    candlesPerRequest: PAGE,
    tradesPerRequest: PAGE,
    symbolsPerRequest: SYMBOLS,
    streamsPerConnection: 1024,
    /** Five are allowed, and our pongs count among them. */
    messagesPerSecond: 4,
    topicsPerMessage: 200,
    connectsPerWindow: 300,
    connectWindowMs: 5 * MINUTE,
    connectionLifeMs: 24 * 60 * MINUTE,
    /** Three of its pings. */
    silenceMs: MINUTE,
  },
  rest,
  usedWeight,
  refusal,
  stream: createStream(),
}
