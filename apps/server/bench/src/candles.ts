import candlestick from 'candlestick-convert'
import { computeTradeBars } from 'tardis-dev'
import { createAggregator } from '../../src/aggregate/aggregator.ts'
import { emptyStep } from '../../src/aggregate/market.ts'
import type { Trade, TradeBatch } from '../../src/domain/trade.ts'
import { type Figure, type Suite, seeded } from './harness.ts'

const TRADES = 2_000_000
const SYMBOLS = 500
const CHUNK = 250_000
const START = 1_759_316_400_000
const SPAN = 3_600_000 * (TRADES / 5_000_000)
const SECONDS = [1, 60, 300, 900, 3600, 14_400, 86_400]
const CODES = ['1s', '1m', '5m', '15m', '1h', '4h', '1d']

interface Raw {
  readonly at: number
  readonly time: number
  readonly price: number
  readonly quantity: number
  readonly buy: boolean
}

/** One string a symbol, as decoders that intern them hand them on: variants are not to hash a new one for each trade. */
const names = Array.from({ length: SYMBOLS }, (_, at) => `S${at}USDT`)
const symbol = (at: number): string => names[at]!

/** Trades of 500 symbols, some much busier than others, in the order of time. */
function* generated(): Generator<Raw> {
  const random = seeded(3)
  const prices = Array.from({ length: SYMBOLS }, () => Math.exp(random() * 12 - 4))
  for (let index = 0; index < TRADES; index++) {
    const at = Math.floor(random() * random() * random() * SYMBOLS)
    prices[at]! *= 1 + (random() - 0.5) * 2e-4
    yield {
      at,
      time: START + Math.floor((index * SPAN) / TRADES),
      price: Math.max(1, Math.round(prices[at]! * 1e6)) / 1e6,
      quantity: Math.round(random() * 5e4 + 1) / 1e4,
      buy: random() < 0.5,
    }
  }
}

/** Makes the input chunk by chunk outside of the measured time. */
function chunked<T>(prepare: (trades: readonly Raw[]) => T, work: (input: T) => void): number {
  let nanoseconds = 0n
  let chunk: Raw[] = []
  const run = () => {
    const input = prepare(chunk)
    chunk = []
    globalThis.gc?.()
    const start = process.hrtime.bigint()
    work(input)
    nanoseconds += process.hrtime.bigint() - start
  }
  for (const trade of generated()) {
    chunk.push(trade)
    if (chunk.length === CHUNK) run()
  }
  if (chunk.length > 0) run()
  return Number(nanoseconds) / 1e9
}

const ids = Array.from({ length: SYMBOLS }, () => 1)

/** As the collector publishes: every 100 ms a list with one batch for each market that traded. */
function deliveries(trades: readonly Raw[]): TradeBatch[][] {
  const made: TradeBatch[][] = []
  let open = new Map<number, Trade[]>()
  let until = 0
  const flush = () => {
    made.push([...open].map(([at, list]) => ({ exchange: 'binance', symbol: symbol(at), trades: list, upTo: until })))
    open = new Map()
  }
  for (const { at, time, price, quantity, buy } of trades) {
    if (time >= until) {
      flush()
      until = time - (time % 100) + 100
    }
    const trade: Trade = {
      type: 'trade',
      exchange: 'binance',
      symbol: symbol(at),
      id: ids[at]!++,
      count: 1,
      price,
      quantity,
      side: buy ? 'buy' : 'sell',
      time,
      received: time,
    }
    const list = open.get(at)
    if (list) list.push(trade)
    else open.set(at, [trade])
  }
  flush()
  return made
}

function ours(): Figure {
  const aggregator = createAggregator({ timeframes: CODES })
  let closed = 0
  const seconds = chunked(deliveries, (input) => {
    for (const batches of input) {
      const step = emptyStep()
      for (const batch of batches) aggregator.add(batch, step)
      closed += step.candles.length
    }
  })
  if (closed === 0) throw new Error('no candle was closed')
  return { perSecond: TRADES / seconds }
}

function tardis(): Figure {
  const bars = new Map<string, ReturnType<ReturnType<typeof computeTradeBars>>[]>()
  let closed = 0
  const seconds = chunked(
    (trades) =>
      trades.map(({ at, time, price, quantity, buy }, index) => ({
        type: 'trade' as const,
        symbol: symbol(at),
        exchange: 'binance' as const,
        id: String(index),
        price,
        amount: quantity,
        side: buy ? ('buy' as const) : ('sell' as const),
        timestamp: new Date(time),
        localTimestamp: new Date(time),
      })),
    (trades) => {
      for (const trade of trades) {
        let mine = bars.get(trade.symbol)
        if (!mine) {
          mine = SECONDS.map((s, at) => computeTradeBars({ kind: 'time', interval: s * 1000, name: CODES[at]! })())
          bars.set(trade.symbol, mine)
        }
        for (const bar of mine) for (const _ of bar.compute(trade)) closed++
      }
    },
  )
  if (closed === 0) throw new Error('no bar was closed')
  return { perSecond: TRADES / seconds }
}

/** A library for finished lists: all trades of a symbol at once, 1s first and the others from it. */
function convert(): Figure {
  const lists = Array.from({ length: SYMBOLS }, (): { time: number; price: number; quantity: number }[] => [])
  for (const { at, time, price, quantity } of generated()) lists[at]!.push({ time, price, quantity })
  globalThis.gc?.()
  const start = process.hrtime.bigint()
  for (const list of lists) {
    let candles = candlestick.batchTicksToCandle(list, 1, true)
    let from = 1
    for (const seconds of SECONDS.slice(1)) {
      candles = candlestick.batchCandlesJSON(candles, from, seconds)
      from = seconds
    }
  }
  return { perSecond: TRADES / (Number(process.hrtime.bigint() - start) / 1e9) }
}

/** The limit: look at every trade once. */
function bareLoop(): Figure {
  let sum = 0
  const seconds = chunked(
    (trades) => trades,
    (trades) => {
      for (const trade of trades) sum += trade.price * trade.quantity + trade.time
    },
  )
  if (!(sum > 0)) throw new Error('nothing was read')
  return { perSecond: TRADES / seconds }
}

export const candles: Suite = {
  name: 'candles',
  unit: 'trades → 7 timeframes',
  by: 'perSecond',
  aims: { 'tardis-dev computables': 15 },
  variants: [
    { name: 'candlewire', role: 'ours', run: ours },
    { name: 'tardis-dev computables', role: 'peer', run: tardis },
    { name: 'candlestick-convert (finished lists only)', role: 'peer', run: convert },
    { name: 'a bare loop over the trades', role: 'limit', run: bareLoop },
  ],
}
