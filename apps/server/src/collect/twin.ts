import type { Shard } from './shard.ts'

/** Two connections that carry the same symbols, each kept up on its own: what one loses or misses, the other brings. */
export function createTwin(create: () => Shard): Shard {
  const both = [create(), create()] as const
  return {
    add(symbol, topics) {
      for (const shard of both) shard.add(symbol, topics)
    },
    remove(symbol) {
      for (const shard of both) shard.remove(symbol)
    },
    symbols: () => both[0].symbols(),
    retire(connection, reason) {
      for (const shard of both) shard.retire(connection, reason)
    },
    connections: () => both.flatMap((shard) => shard.connections()),
    /** One of two is enough. */
    state() {
      const states = both.map((shard) => shard.state())
      if (states.includes('connected')) return 'connected'
      return states.includes('connecting') ? 'connecting' : 'down'
    },
    circuits: () => both.flatMap((shard) => shard.circuits()),
    async run(signal) {
      await Promise.all(both.map((shard) => shard.run(signal)))
    },
    stop() {
      for (const shard of both) shard.stop()
    },
  }
}
