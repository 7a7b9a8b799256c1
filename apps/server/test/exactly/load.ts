import { join } from 'node:path'
import type { KafkaSettings } from '../../src/bus/kafka/kafka.ts'
import type { Trade, TradeBatch } from '../../src/domain/trade.ts'
import { aTrade } from '../trades.ts'

export const TIMEFRAMES = ['1s', '5s', '1m']
export const LATENESS_MS = 500
export const SYMBOLS = Array.from({ length: 12 }, (_, n) => `S${n}USDT`)
export const START = 1_700_000_100_000

/** Of every process of the test; `exchange` tells its records in the public topics from those of others. */
export const settingsOf = (broker: string, prefix: string, exchange: string, folder: string): KafkaSettings => ({
  brokers: [broker],
  clientId: 'candlewire-test',
  prefix,
  partitions: 6,
  retention: 3_600_000,
  capacity: 10_000,
  outbox: { folder: join(folder, 'outbox'), maxBytes: 64 * 1024 * 1024 },
  profile: {
    families: new Set(['ohlcv', 'aggregated']),
    timeframes: TIMEFRAMES,
    primaryExchange: exchange,
    symbols: new Set(),
  },
})

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * The trades of one market, batch after batch: quiet and busy stretches, late trades, a batch sent twice. `ms` is what a
 * batch covers of the exchange's time.
 */
export function createFeed(exchange: string, symbol: string, dice: () => number, ms: number) {
  let id = 1
  let reached = START
  let before: TradeBatch | undefined
  const market = { exchange, symbol }

  function trade(): Trade {
    const late = dice() < 0.03 ? dice() * 4_000 : 0
    const time = Math.max(START, Math.floor(reached + dice() * ms - late))
    const price = 100 + Math.floor(dice() * 1_000) / 100
    return aTrade({
      ...market,
      id: id++,
      price,
      quantity: (1 + Math.floor(dice() * 9_999)) / 1e4,
      time,
      received: time,
    })
  }

  return (trades: number): TradeBatch => {
    if (before && dice() < 0.02) return before
    const list = Array.from({ length: trades }, trade)
    const hole = reached === START ? { hole: { from: START, to: START } } : {}
    reached += ms
    before = { ...market, trades: list, upTo: reached, ...hole }
    return before
  }
}
