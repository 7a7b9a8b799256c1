import { mix, mixText, unit } from './hash.ts'
import type { Market } from './market.ts'

/** The book changes in steps of this many ms. */
export const stepMs = 100
/** Update ids of one step. */
const idsPerStep = 16
/** Prices a side that may hold an order. */
export const depthLevels = 250

/** A level: price in ticks, quantity in lots. */
export type Level = readonly [price: number, qty: number]
export type Book = { lastUpdateId: number; bids: Level[]; asks: Level[] }
export type BookChange = { first: number; last: number; bids: Level[]; asks: Level[] }
export type Best = { id: number; bid: Level; ask: Level }

/** Which levels to set, quantity 0 for one that is gone. Both sides are sorted from the best price outwards. */
const difference = (before: readonly Level[], after: readonly Level[], outwards: 1 | -1): Level[] => {
  const changed: Level[] = []
  let old = 0
  for (const level of after) {
    while (old < before.length && (level[0] - before[old]![0]) * outwards > 0) changed.push([before[old++]![0], 0])
    if (before[old]?.[0] !== level[0]) changed.push(level)
    else if (before[old++]![1] !== level[1]) changed.push(level)
  }
  for (; old < before.length; old++) changed.push([before[old]![0], 0])
  return changed
}

/** What turns the whole book `from` into the whole book `to`. */
export const bookChange = (from: Book, to: Book): BookChange => ({
  first: from.lastUpdateId + 1,
  last: to.lastUpdateId,
  bids: difference(from.bids, to.bids, -1),
  asks: difference(from.asks, to.asks, 1),
})

/**
 * The order book around the last price, a pure function of the seed and the step of 100 ms. The touch follows the last
 * trade; behind it orders stand on a coarser grid, and each keeps its quantity for a while, then takes another or goes.
 */
export const createBook = (seed: number, market: Market) => {
  const own = mix(mixText(seed, market.spec.symbol), 77)
  const base = 1_000_000_000 + (mix(own, 1) % 1_000_000) * 60_000
  const [askSeed, bidSeed] = [mix(own, 1), mix(own, -1)]
  let scale: { size: number; grid: number } | undefined

  const idAt = (step: number): number => base + step * idsPerStep

  /** Mean quantity in lots and distance between levels in ticks, taken once from the first price of history. */
  const scaleOf = (now: number): { size: number; grid: number } => {
    if (scale) return scale
    const { tickDecimals, lotDecimals, quote } = market.spec
    const price = market.fromId(market.firstId, 1, now)[0]?.price ?? 1
    const worth = quote === 'BTC' ? 0.02 : quote === 'ETH' ? 0.6 : 2_000
    const size = Math.max(2, (worth * 10 ** (tickDecimals + lotDecimals)) / price)
    scale = { size, grid: Math.max(1, Math.floor(price * 0.00002)) }
    return scale
  }

  const qtyAt = (side: number, price: number, step: number, touch: boolean): number => {
    const level = mix(side > 0 ? askSeed : bidSeed, price)
    const life = touch ? 4 : 5 + (level % 120)
    const roll = mix(level, Math.floor((step + (level % life)) / life))
    if (!touch && roll % 4 === 0) return 0
    return 1 + Math.floor(-Math.log(1 - unit(roll, 3)) * scaleOf(0).size)
  }

  const touchAt = (step: number): { bid: number; ask: number } | undefined => {
    const trade = market.last(step * stepMs)
    if (!trade) return undefined
    scaleOf(trade.at)
    const bid = Math.max(1, trade.buyerMaker ? trade.price : trade.price - 1)
    return { bid, ask: bid + 1 }
  }

  const levels = (side: 1 | -1, best: number, step: number, limit: number): Level[] => {
    const { grid } = scaleOf(0)
    const found: Level[] = [[best, qtyAt(side, best, step, true)]]
    const first = side > 0 ? Math.floor(best / grid) + 1 : Math.ceil(best / grid) - 1
    for (let i = 0; i < depthLevels && found.length < limit; i++) {
      const price = (first + side * i) * grid
      if (price < 1) break
      const qty = qtyAt(side, price, step, false)
      if (qty > 0) found.push([price, qty])
    }
    return found
  }

  const stepOf = (now: number): number => Math.floor(now / stepMs)

  return {
    stepOf,
    idAt,
    /** The book at `now` (ms), at most `limit` levels a side; undefined before the first trade. */
    at(now: number, limit: number): Book | undefined {
      const step = stepOf(now)
      const touch = touchAt(step)
      if (!touch) return undefined
      const [bids, asks] = [levels(-1, touch.bid, step, limit), levels(1, touch.ask, step, limit)]
      return { lastUpdateId: idAt(step), bids, asks }
    },
    /** Best bid and ask at `now`. */
    best(now: number): Best | undefined {
      const step = stepOf(now)
      const touch = touchAt(step)
      if (!touch) return undefined
      const { bid, ask } = touch
      return { id: idAt(step), bid: [bid, qtyAt(-1, bid, step, true)], ask: [ask, qtyAt(1, ask, step, true)] }
    },
  }
}

export type BookModel = ReturnType<typeof createBook>
