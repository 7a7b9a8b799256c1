import { createSimulator, type Simulator, type SimulatorOptions } from '@candlewire/simulator'
import type { Batch, Topic } from '../src/bus/bus.ts'
import { memoryBus } from '../src/bus/memory.ts'
import { type CollectorDeps, createCollector } from '../src/collect/collector.ts'
import type { Trade, TradeBatch } from '../src/domain/trade.ts'
import { createRestClient } from '../src/exchanges/client.ts'
import { exchange } from '../src/exchanges/index.ts'
import { silent } from '../src/lib/log.ts'
import { createMetrics } from '../src/lib/metrics.ts'

type Options = Partial<Omit<CollectorDeps, 'bus' | 'wsUrl'>> & { simulator?: SimulatorOptions }

/** Waits short enough for a test, and a margin wide enough for a busy machine; everything else as it ships. */
const hasty = {
  marginMs: 2_000,
  graceMs: 200,
  reorderMs: 50,
  tickMs: 20,
  overlapMs: 200,
  backoffBaseMs: 20,
  backoffMaxMs: 200,
  pingEveryMs: 500,
}

/** An exchange in a box, a bus, and what they need in between. `close` after use. */
export async function openExchange(options: SimulatorOptions = {}) {
  const simulator = await createSimulator({
    seed: 7,
    symbols: ['BTCUSDT', 'ETHUSDT'],
    historyMs: 3_600_000,
    tradesPerSecond: { BTCUSDT: 150, ETHUSDT: 60 },
    ...options,
  })
  const metrics = createMetrics()
  const binance = exchange('binance')
  const asked: URL[] = []
  const rest = createRestClient({
    exchange: binance,
    url: simulator.restUrl,
    log: silent,
    metrics,
    backoffMs: 20,
    breakerMs: 200,
    fetch(input, init) {
      asked.push(new URL(String(input)))
      return fetch(input, init)
    },
  })
  return { simulator, metrics, binance, rest, bus: memoryBus(), asked }
}

/** A collector that runs against the simulator, and all that it published. */
export async function runCollector({ simulator: market, ...options }: Options = {}) {
  const { simulator, metrics, binance, rest, bus } = await openExchange(market)
  const stop = new AbortController()
  const readersStop = new AbortController()
  const batches: TradeBatch[] = []
  const waiting = new Set<() => void>()
  const check = () => {
    for (const look of waiting) look()
  }
  const readers: Promise<void>[] = []
  function read<T extends Topic>(topic: T, group: string, each: (events: Batch<T>) => unknown): void {
    const loop = async () => {
      for await (const events of bus.subscribe(topic, group, readersStop.signal)) await each(events)
    }
    readers.push(loop())
  }
  read('trades', 'test', (events) => {
    batches.push(...events)
    check()
  })
  const collector = createCollector({
    exchange: binance,
    rest,
    lastTrade: async () => undefined,
    symbols: simulator.symbols,
    log: silent,
    metrics,
    ...options,
    bus,
    wsUrl: simulator.wsUrl,
    settings: { ...hasty, ...options.settings },
  })
  const running = collector.run(stop.signal)
  const trades = (symbol: string): Trade[] =>
    batches.filter((batch) => batch.symbol === symbol).flatMap((batch) => batch.trades)

  return {
    simulator,
    metrics,
    binance,
    rest,
    bus,
    collector,
    batches,
    trades,
    /** Reads a topic until `close`. */
    read,
    of: (symbol: string) => batches.filter((batch) => batch.symbol === symbol),
    /** Resolves once the condition holds; looked at with each batch and every few ms. */
    async until(condition: () => boolean, what: string): Promise<void> {
      const done = Promise.withResolvers<void>()
      const look = () => condition() && done.resolve()
      const limit = setTimeout(() => done.reject(new Error(`${what}; ${JSON.stringify(collector.status())}`)), 60_000)
      const timer = setInterval(look, 20)
      waiting.add(look)
      look()
      await done.promise.finally(() => {
        waiting.delete(look)
        clearInterval(timer)
        clearTimeout(limit)
      })
    },
    /** Stops the collector; whoever reads the bus goes on. */
    async stop(): Promise<void> {
      stop.abort()
      await running
    },
    async close(): Promise<void> {
      stop.abort()
      await running
      readersStop.abort()
      await Promise.all(readers)
      await simulator.close()
    },
  }
}

/** What is wrong with what came out, compared with what the market did; empty when nothing is. */
export function differences(simulator: Simulator, symbol: string, trades: readonly Trade[]): string[] {
  const [first, last] = [trades[0], trades.at(-1)]
  if (!first || !last) return ['nothing came']
  const truth = simulator.truth.trades(symbol, Number(first.id), Number(last.id))
  const wrong: string[] = truth.length === trades.length ? [] : [`${trades.length} trades for ${truth.length}`]
  for (const [index, { id, price, qty, time, isBuyerMaker }] of truth.entries()) {
    const got = trades[index]
    const same = got?.id === id && got.price === Number(price) && got.quantity === Number(qty) && got.time === time
    if (!same || got.side !== (isBuyerMaker ? 'sell' : 'buy')) wrong.push(`place ${index}: ${got?.id} for ${id}`)
    if (wrong.length > 3) break
  }
  return wrong
}
