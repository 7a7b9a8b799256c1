import { type Coverage, knownIntervals } from '../domain/coverage.ts'
import { missing } from '../domain/intervals.ts'
import { marketKey } from '../domain/market.ts'
import { MINUTE } from '../domain/timeframe.ts'
import type { TradeBatch } from '../domain/trade.ts'
import type { Store } from '../store/store.ts'

/** Shorter silences are no intervals of their own, else each second of a thin market would be one. */
const QUIET_MS = MINUTE

interface Reach {
  /** Everything before it is stored or known to be missing. */
  upTo: number
  /** Nothing traded from here to `upTo`. */
  quietFrom: number
}

/** What batches of trades say about the series `trades` of their markets. */
export function createCoverageOfTrades(store: Pick<Store, 'lastTrade' | 'coverage'>) {
  const reaches = new Map<string, Reach>()

  /** Where a market's trades reach before its first batch: to the stored trade that the batch goes on from, if it does. */
  async function firstReach(batch: TradeBatch): Promise<number> {
    const first = batch.trades[0]
    const last = await store.lastTrade(batch)
    const after = last && typeof last.id === 'number' ? last.id + last.count : undefined
    if (last && (!first || first.id === after)) return last.time
    return first ? first.time + 1 : batch.upTo
  }

  async function reachOf(batch: TradeBatch): Promise<Reach> {
    const key = marketKey(batch)
    const known = reaches.get(key)
    if (known) return known
    const upTo = batch.hole ? batch.hole.from : await firstReach(batch)
    const made = { upTo, quietFrom: upTo }
    reaches.set(key, made)
    return made
  }

  /** A hole takes nothing away from what is known: an earlier run, or history, may have filled it. */
  async function holeOf({ exchange, symbol, hole }: TradeBatch): Promise<Coverage[]> {
    if (!hole || hole.from <= 0 || hole.from >= hole.to) return []
    const known = knownIntervals(await store.coverage({ exchange, symbol }, 'trades', hole))
    return missing(hole, known).map((part) => ({ exchange, symbol, series: 'trades', state: 'unknown', ...part }))
  }

  return {
    /** To be asked before the batch's trades are stored. Nothing is remembered until `keep`. */
    async of(batch: TradeBatch): Promise<Coverage[]> {
      const { exchange, symbol, trades, hole } = batch
      const reach = await reachOf(batch)
      const from = hole ? hole.to : reach.upTo
      const quietFrom = trades.length > 0 || hole ? from : reach.quietFrom
      const quiet = trades.length === 0 && batch.upTo - quietFrom >= QUIET_MS
      const state = quiet ? 'quiet' : 'complete'
      const stretch = { from: quiet ? quietFrom : from, to: batch.upTo }
      const parts = await holeOf(batch)
      if (stretch.from < stretch.to) parts.push({ exchange, symbol, series: 'trades', state, ...stretch })
      return parts
    },

    keep({ trades, hole, upTo, ...market }: TradeBatch): void {
      const reach = reaches.get(marketKey(market))
      if (!reach) return
      if (trades.length > 0) reach.quietFrom = upTo
      else if (hole) reach.quietFrom = hole.to
      reach.upTo = Math.max(reach.upTo, upTo)
    },
  }
}
