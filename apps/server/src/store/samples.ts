import fc from 'fast-check'
import type { Candle } from '../domain/candle.ts'
import type { Trade } from '../domain/trade.ts'
import { isFailure } from '../lib/failure.ts'
import type { Job } from './store.ts'

// What the tests of stores are made of.
export const MINUTE = 60_000
export const T0 = Date.UTC(2024, 0, 1)

/** A closed candle of `binance:BTCUSDT:1m` with the fields that matter. */
export const candle = (fields: Partial<Candle> = {}): Candle => ({
  exchange: 'binance',
  symbol: 'BTCUSDT',
  timeframe: '1m',
  time: T0,
  open: 42_000.1,
  high: 42_010.2,
  low: 41_990.3,
  close: 42_005.4,
  volume: 12.345,
  volumeRest: 0,
  quoteVolume: 518_000.25,
  quoteVolumeRest: 0,
  trades: 321,
  closed: true,
  revision: 0,
  source: 'trades',
  ...fields,
})

/** A trade of `binance:BTCUSDT` with the fields that matter. */
export const trade = (fields: Partial<Trade> = {}): Trade => ({
  type: 'trade',
  exchange: 'binance',
  symbol: 'BTCUSDT',
  id: 1,
  count: 1,
  price: 42_000.1,
  quantity: 0.5,
  side: 'buy',
  time: T0,
  received: T0 + 3,
  ...fields,
})

export const job = (fields: Partial<Job> = {}): Job => ({
  id: 'job-1',
  exchange: 'binance',
  symbol: 'BTCUSDT',
  timeframe: '1m',
  from: T0,
  to: T0 + 60 * MINUTE,
  state: 'queued',
  cursor: T0,
  requestsPlanned: 3,
  requestsDone: 0,
  candlesWritten: 0,
  errors: [],
  createdAt: T0,
  updatedAt: T0,
  ...fields,
})

let markets = 0
/** A market that no other case uses. */
export const freshSymbol = (): string => `COIN${++markets}USDT`
export const failsWith = (code: string) => (error: unknown) => isFailure(error) && error.code === code

/** Any double a store must give back bit for bit; there is no negative zero among prices and volumes. */
export const double = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(5e-324, 1.7976931348623157e308, 0.1 + 0.2, 2 ** 53, 0),
  )
  .map((value) => value + 0)
