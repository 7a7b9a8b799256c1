import type { FeedState } from '../bus/bus.ts'
import { marketKey } from '../domain/market.ts'

/** Which markets' feeds are down. */
export interface FeedBoard {
  take(state: FeedState): void
  /** By exchange: how many of its markets are known, how many are down, and the newest reason. */
  summary(): Map<string, { markets: number; down: number; reason: string }>
}

export function createFeedBoard(): FeedBoard {
  const states = new Map<string, FeedState>()
  return {
    take(state) {
      if (state.reason === 'removed') states.delete(marketKey(state))
      else states.set(marketKey(state), state)
    },
    summary() {
      const exchanges = new Map<string, { markets: number; down: number; reason: string }>()
      for (const { exchange, state, reason } of states.values()) {
        const row = exchanges.get(exchange) ?? { markets: 0, down: 0, reason: '' }
        row.markets++
        if (state === 'down') {
          row.down++
          row.reason = reason
        }
        exchanges.set(exchange, row)
      }
      return exchanges
    },
  }
}
