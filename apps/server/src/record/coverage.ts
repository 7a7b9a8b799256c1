import { type Coverage, knownIntervals } from '../domain/coverage.ts'
import { missing } from '../domain/intervals.ts'
import { marketKey } from '../domain/market.ts'
import { MINUTE } from '../domain/timeframe.ts'
import { newestTime, type TradeBatch } from '../domain/trade.ts'
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
  async function firstReach(batch: TradeBatch): Promise<Reach> {
    const first = batch.trades[0]
    const last = await store.lastTrade(batch)
    const after = last && typeof last.id === 'number' ? last.id + last.count : undefined
    if (last && (!first || first.id === after)) return { upTo: last.time, quietFrom: last.time + 1 }
    const upTo = first ? first.time + 1 : batch.upTo
    return { upTo, quietFrom: upTo }
  }

  async function reachOf(batch: TradeBatch): Promise<Reach> {
    const key = marketKey(batch)
    const known = reaches.get(key)
    if (known) return known
    const { hole } = batch
    const made = hole ? { upTo: hole.from, quietFrom: hole.to } : await firstReach(batch)
    reaches.set(key, made)
    return made
  }

  /** A hole takes nothing away from what is known: an earlier run, or history, may have filled it. */
  async function holeOf({ exchange, symbol, hole }: TradeBatch): Promise<Coverage[]> {
    if (!hole || hole.from <= 0 || hole.from >= hole.to) return []
    const known = knownIntervals(await store.coverage({ exchange, symbol }, 'trades', hole))
    return missing(hole, known).map((part) => ({ exchange, symbol, series: 'trades', state: 'unknown', ...part }))
  }

  /** Quiet stretches before `reached` in which late trades belong: they were complete, and not quiet. */
  async function disturbed({ exchange, symbol, trades }: TradeBatch, reached: number): Promise<Coverage[]> {
    const times = trades.flatMap(({ time }) => (time < reached ? [time] : []))
    if (times.length === 0) return []
    const range = { from: Math.min(...times), to: Math.max(...times) + 1 }
    const known = await store.coverage({ exchange, symbol }, 'trades', range)
    return known
      .filter(({ state, from, to }) => state === 'quiet' && times.some((time) => time >= from && time < to))
      .map((part) => ({ ...part, state: 'complete' }))
  }

  return {
    /** To be asked before the batch's trades are stored. Nothing is remembered until `keep`. */
    async of(batch: TradeBatch): Promise<Coverage[]> {
      const { exchange, symbol, trades, hole, filled, doubtFrom } = batch
      const reach = await reachOf(batch)
      const from = hole ? hole.to : reach.upTo
      const quietFrom = trades.length > 0 || hole || batch.halted ? batch.upTo : reach.quietFrom
      const base = { exchange, symbol, series: 'trades', to: batch.upTo }
      if (doubtFrom !== undefined) return [{ ...base, from: doubtFrom, state: 'unknown' }]
      const parts = [...(await holeOf(batch)), ...(await disturbed(batch, from))]
      if (filled) parts.push({ ...base, ...filled, state: 'complete' })
      const still = batch.halted && trades.length === 0
      if (from < batch.upTo) parts.push({ ...base, from, state: still ? 'unknown' : 'complete' })
      if (batch.upTo - quietFrom >= QUIET_MS) parts.push({ ...base, from: quietFrom, state: 'quiet' })
      return parts
    },

    keep({ trades, hole, upTo, halted, doubtFrom, ...market }: TradeBatch): void {
      const reach = reaches.get(marketKey(market))
      if (!reach) return
      if (doubtFrom !== undefined) {
        reach.upTo = Math.min(reach.upTo, doubtFrom)
        reach.quietFrom = Math.min(reach.quietFrom, reach.upTo)
        return
      }
      // The newest trade may bear the very time up to which trades are complete.
      if (trades.length > 0) reach.quietFrom = Math.max(upTo, newestTime(trades) + 1)
      else if (halted) reach.quietFrom = Math.max(reach.quietFrom, upTo)
      else if (hole) reach.quietFrom = hole.to
      reach.upTo = Math.max(reach.upTo, upTo)
    },
  }
}
