import { createHash } from 'node:crypto'
import { setImmediate as others } from 'node:timers/promises'
import { plainText } from '../lib/decimal.ts'
import type { Interval } from './coverage.ts'
import type { MarketId } from './market.ts'
import { DAY } from './timeframe.ts'
import type { Trade } from './trade.ts'

/** The ids and number of some trades. */
export interface TradeSpan {
  /** Counted ids: the lowest and the highest raw trade. Ids that are names: the first and last by time. */
  readonly firstId: number | string | undefined
  readonly lastId: number | string | undefined
  /** Raw trades. */
  readonly trades: number
  /** Stored rows: an exchange's aggregate of several trades is one. */
  readonly rows: number
}

/** What was traded on one UTC day, as proof that outlives the trades. */
export interface LedgerRow extends MarketId, TradeSpan {
  /** Midnight, ms. */
  readonly day: number
  /**
   * SHA-256, hex, over a line `id,count,price,quantity,side,time` of each stored row, by time and then by id; numbers
   * as their shortest plain decimal text, times in ms, each line ended by a line feed.
   */
  readonly hash: string
  /** Our clock, ms. */
  readonly computedAt: number
  /** Trades of the day may have been deleted since, because they were old. */
  readonly pruned: boolean
}

/** Raw trade ids that are missing between two trades, and the time from the one to the other, ms. */
export interface IdHole extends Interval {
  readonly firstId: number
  /** Exclusive. */
  readonly endId: number
}

/** A day's figures and what its ids tell. */
export interface DayFold extends TradeSpan {
  readonly hash: string
  /** Ids between the day's first and last trade that no trade holds; at most `MOST_HOLES`. */
  readonly holes: readonly IdHole[]
  /** Ids that two rows hold; at most `MOST_HOLES`. */
  readonly doubled: readonly number[]
}

export const MOST_HOLES = 1_000
/** Trades are read in stretches of so much time, ms: it bounds the memory, not the result. */
const STRETCH = 5 * 60_000

/** Gives the trades of `[from, to)` in any order. */
export type ReadTrades = (range: Interval) => Promise<readonly Trade[]>

/** Calls `take` with the trades of a range, a stretch at a time, each ordered by time and then by id. */
export async function eachStretch(
  range: Interval,
  read: ReadTrades,
  take: (trades: readonly Trade[]) => void,
): Promise<void> {
  for (let from = range.from; from < range.to; from += STRETCH) {
    const trades = await read({ from, to: Math.min(from + STRETCH, range.to) })
    if (trades.length === 0) continue
    take([...trades].sort(byTimeAndId))
    // A day may hold millions: whoever shares the thread gets a turn.
    await others()
  }
}

/** Folds the trades of one day. The order in which the store gives them makes no difference. */
export async function foldDay(day: number, read: ReadTrades): Promise<DayFold> {
  const hash = createHash('sha256')
  const span = createSpan()
  const ids = createIdCheck()
  await eachStretch({ from: day, to: day + DAY }, read, (trades) => {
    let lines = ''
    for (const trade of trades) {
      lines += ledgerLine(trade)
      span.add(trade)
      ids.add(trade)
    }
    hash.update(lines)
  })
  return { ...span.result(), hash: hash.digest('hex'), ...ids.result() }
}

/** Folds ids and numbers only, of any range. */
export async function foldSpan(range: Interval, read: ReadTrades): Promise<TradeSpan> {
  const span = createSpan()
  await eachStretch(range, read, (trades) => {
    for (const trade of trades) span.add(trade)
  })
  return span.result()
}

const ledgerLine = ({ id, count, price, quantity, side, time }: Trade): string =>
  `${id},${count},${plainText(price)},${plainText(quantity)},${side},${time}\n`

function byTimeAndId(a: Trade, b: Trade): number {
  if (a.time !== b.time) return a.time - b.time
  if (typeof a.id === 'number' && typeof b.id === 'number') return a.id - b.id
  // Not by the rules of a language: by their code units, the same everywhere.
  return String(a.id) < String(b.id) ? -1 : 1
}

function createSpan() {
  let firstId: number | string | undefined
  let lastId: number | string | undefined
  let trades = 0
  let rows = 0
  return {
    add({ id, count }: Trade): void {
      const last = typeof id === 'number' ? id + count - 1 : id
      firstId = firstId === undefined || (typeof id === 'number' && id < Number(firstId)) ? id : firstId
      lastId = typeof last === 'number' && lastId !== undefined ? Math.max(last, Number(lastId)) : last
      trades += count
      rows++
    },
    result: (): TradeSpan => ({ firstId, lastId, trades, rows }),
  }
}

/** Finds ids that are missing or come twice among trades that ascend by time; ids may be out of order among them. */
function createIdCheck() {
  let holes: IdHole[] = []
  const doubled: number[] = []
  let lowest: { readonly id: number; readonly time: number } | undefined
  let expected = 0
  let reached = 0

  /** A trade with an id that was passed already fills a hole, or doubles what is there. */
  function fill(first: number, end: number): void {
    const hole = holes.find(({ firstId, endId }) => firstId <= first && end <= endId)
    if (!hole) {
      if (doubled.length < MOST_HOLES) doubled.push(first)
      return
    }
    const rest = [
      { ...hole, endId: first },
      { ...hole, firstId: end },
    ]
    holes = holes.flatMap((one) => (one === hole ? rest.filter(({ firstId, endId }) => firstId < endId) : [one]))
  }

  function note(hole: IdHole): void {
    if (hole.firstId < hole.endId && holes.length < MOST_HOLES) holes.push(hole)
  }

  return {
    add({ id, count, time }: Trade): void {
      if (typeof id !== 'number') return
      const end = id + count
      if (!lowest) expected = id
      if (id >= expected) note({ firstId: expected, endId: id, from: reached, to: time })
      else if (lowest && end <= lowest.id) note({ firstId: end, endId: lowest.id, from: lowest.time, to: time })
      else fill(id, end)
      if (!lowest || id < lowest.id) lowest = { id, time }
      expected = Math.max(expected, end)
      reached = time
    },
    result: () => ({ holes, doubled }),
  }
}
