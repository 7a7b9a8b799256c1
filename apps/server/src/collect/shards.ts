import type { Shard } from './shard.ts'

interface Deps {
  /** Streams a connection carries at most, and streams each symbol needs. */
  readonly streamsPerConnection: number
  readonly streamsPerSymbol: number
  readonly topics: (symbol: string) => readonly string[]
  readonly create: () => Shard
}

/** Spreads symbols over connections: a new symbol goes where there is room, an empty connection is closed. */
export function createShards({ streamsPerConnection, streamsPerSymbol, topics, create }: Deps) {
  const room = Math.max(1, Math.floor(streamsPerConnection / streamsPerSymbol))
  const shards = new Set<Shard>()
  const home = new Map<string, Shard>()
  let signal: AbortSignal | undefined
  const running = new Set<Promise<void>>()

  function start(shard: Shard): void {
    if (!signal) return
    const run = shard.run(signal).finally(() => running.delete(run))
    running.add(run)
  }

  return {
    add(symbol: string): void {
      if (home.has(symbol)) return
      let shard = [...shards].find((one) => one.symbols() < room)
      const fresh = !shard
      shard ??= create()
      shard.add(symbol, topics(symbol))
      shards.add(shard)
      home.set(symbol, shard)
      if (fresh) start(shard)
    },
    remove(symbol: string): void {
      const shard = home.get(symbol)
      if (!shard) return
      home.delete(symbol)
      shard.remove(symbol)
      if (shard.symbols()) return
      shards.delete(shard)
      shard.stop()
    },
    all: (): readonly Shard[] => [...shards],
    has: (symbol: string): boolean => home.has(symbol),
    symbols: (): string[] => [...home.keys()],
    /** Runs every connection until the signal aborts. */
    async run(stop: AbortSignal): Promise<void> {
      signal = stop
      for (const shard of shards) start(shard)
      if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
      await Promise.all(running)
    },
  }
}
