import type { Interval } from '../domain/coverage.ts'
import type { TradeBatch } from '../domain/trade.ts'
import { toGrid } from './plan.ts'

const TIMEFRAME = '1m'

/**
 * Remembers which minutes were touched by holes in the trades, until they have closed. Pure: time is an argument.
 * `reachMs`: what lies further back is not repaired from here.
 */
export function createRepairs(reachMs: number, settleMs: number) {
  const bySymbol = new Map<string, Interval[]>()

  return {
    note({ symbol, hole }: TradeBatch, now: number): void {
      if (!hole) return
      const from = Math.max(hole.from, now - reachMs)
      if (from >= hole.to) return
      bySymbol.set(symbol, toGrid(TIMEFRAME, [...(bySymbol.get(symbol) ?? []), { from, to: hole.to }]))
    },
    /** Minutes that have closed since, each once. */
    due(now: number): { symbol: string; interval: Interval }[] {
      const ready: { symbol: string; interval: Interval }[] = []
      for (const [symbol, intervals] of bySymbol) {
        const closed = intervals.filter(({ to }) => to + settleMs <= now)
        const open = intervals.filter(({ to }) => to + settleMs > now)
        for (const interval of closed) ready.push({ symbol, interval })
        if (open.length) bySymbol.set(symbol, open)
        else bySymbol.delete(symbol)
      }
      return ready
    },
    pending: (): number => bySymbol.size,
  }
}
