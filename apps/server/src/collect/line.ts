import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import { newestTime, type Trade, type TradeBatch } from '../domain/trade.ts'

/** Trades in id order, ready to leave; a hole lies before them when one is named. */
interface Segment {
  readonly hole?: Interval
  /** What was claimed from here on is taken back first. */
  readonly doubtFrom?: number
  /** These trades were given up before, and close that hole. */
  readonly filled?: Interval
  readonly trades: Trade[]
}

/** A batch until it is handed out. */
type Draft = { -readonly [K in keyof TradeBatch]: TradeBatch[K] }

/**
 * A stretch this long in which nothing traded and nobody saw the feed alive is a hole, though no id is missing: the
 * exchange may have stood still, and then it has no candle of it. Shorter ones are within any reconnect. In ms.
 */
export const UNPROVEN_MS = 60_000

type Outcome = 'taken' | 'held' | 'duplicate'

/** Ids that are missing before the first held trade, `to` exclusive. */
interface Gap {
  readonly from: number
  readonly to: number
}

/**
 * The trades of one market with counted ids, put in order: what fits goes out, what was had already is dropped, what comes
 * too early is held until the missing ids are there. Pure: no clock, no socket.
 */
export interface Line {
  /** A trade from the socket. Trades whose id isn't a number are not for this line. */
  live(trade: Trade): Outcome
  /** A page from REST, ascending, asked from `next()`: ids that it leaves out do not exist. Returns how many were new. */
  page(trades: readonly Trade[]): number
  /** Starts at `id`. Trades older than `since` (ms) are left out; `hole` goes ahead of the first batch. */
  begin(start: {
    readonly id: number
    readonly since: number
    readonly upTo: number
    readonly seen?: number
    readonly hole?: Interval
  }): void
  /** The id to come; `undefined` before `begin`. */
  next(): number | undefined
  gap(): Gap | undefined
  /** Gives the missing ids up, or the search for the start: the held trades go on, with a hole before them.
   * `known` (exchange ms): an earlier run has what was before it. */
  skip(known?: number): Interval | undefined
  /** The exchange has nothing between the last trade and `first`: goes on there, with a hole before it. */
  lose(first: Trade): Interval
  /** Trades that were given up before go out after all; `filled`: the hole that the last of them closes. */
  repay(trades: readonly Trade[], filled: Interval | undefined): void
  held(): number
  /** The highest id seen on the socket. */
  newestId(): number | undefined
  /** Time of the last trade that went out, exchange ms. */
  lastTime(): number
  /** Trades ready to leave. */
  ready(): number
  /**
   * Batches to publish. `claim` (exchange ms): everything before it is known to have come. Ids in order prove as much as
   * the clock: all that traded before the last trade is here. An empty list when there is nothing to say.
   */
  drain(claim: number | undefined, heartbeat: boolean): TradeBatch[]
  /** Takes back what was claimed beyond `proven` (exchange ms) and the last trade. */
  retract(proven: number): TradeBatch[]
  upTo(): number
}

/** `doubted` is told of holes that lack no id, only a proof that the exchange was up. */
export function createLine(market: MarketId, maxHeld: number, doubted: (hole: Interval) => void = () => {}): Line {
  let next: number | undefined
  let since = 0
  let seen = 0
  let upTo = 0
  let lastTime = 0
  /** What was before it is not ours to doubt. */
  let begun = 0
  let newest: number | undefined
  let ready = 0
  let segments: Segment[] = []
  let held: Trade[] = []

  function push(trade: Trade, id: number): void {
    next = id + trade.count
    if (trade.time < since) return
    const unproven = unprovenUntil(trade.time, Math.max(upTo, lastTime, seen))
    if (unproven) {
      segments.push({ hole: unproven, trades: [] })
      doubted(unproven)
    }
    if (!segments.length) segments.push({ trades: [] })
    segments.at(-1)!.trades.push(trade)
    ready += 1
    lastTime = Math.max(lastTime, trade.time)
  }

  function hold(trade: Trade, id: number): Outcome {
    let at = held.length
    while (at > 0 && idOf(held[at - 1]!) > id) at -= 1
    if (at > 0 && idOf(held[at - 1]!) === id) return 'duplicate'
    held.splice(at, 0, trade)
    if (held.length > maxHeld) held = held.slice(Math.ceil(maxHeld / 2))
    return 'held'
  }

  function join(): void {
    let count = 0
    for (const trade of held) {
      const id = idOf(trade)
      if (next === undefined || id > next) break
      if (id === next) push(trade, id)
      count += 1
    }
    if (count) held = held.slice(count)
  }

  function lose(first: Trade, known = 0): Interval {
    // What was claimed since the last trade was claimed of a silence that was none.
    const from = Math.min(Math.max(lastTime || upTo, known), first.time)
    // Missing trades may share the millisecond of the first one that is here.
    const hole = { from, to: first.time + 1 }
    segments.push({ hole, trades: [], ...(from < upTo && { doubtFrom: from }) })
    next = idOf(first)
    join()
    return hole
  }

  return {
    live(trade) {
      const id = idOf(trade)
      newest = newest === undefined ? id : Math.max(newest, id)
      if (next !== undefined && id < next) return 'duplicate'
      if (next === undefined || id > next) return hold(trade, id)
      push(trade, id)
      if (held.length) join()
      return 'taken'
    },
    page(trades) {
      if (next === undefined) return 0
      let taken = 0
      for (const trade of trades) {
        const id = idOf(trade)
        if (id < next) continue
        push(trade, id)
        taken += 1
      }
      join()
      return taken
    },
    begin(start) {
      next = start.id
      since = start.since
      begun = Math.max(start.since, start.upTo)
      seen = start.seen ?? 0
      upTo = Math.max(upTo, start.upTo)
      if (start.hole) segments.push({ hole: start.hole, trades: [] })
      join()
    },
    next: () => next,
    gap: () => (next === undefined || !held.length ? undefined : { from: next, to: idOf(held[0]!) }),
    skip: (known) => (held[0] ? lose(held[0], known) : undefined),
    lose: (first) => lose(first),
    repay(trades, filled) {
      ready += trades.length
      // What follows is none of theirs.
      segments.push({ trades: [...trades], ...(filled && { filled }) }, { trades: [] })
    },
    held: () => held.length,
    newestId: () => newest,
    lastTime: () => lastTime,
    ready: () => ready,
    upTo: () => upTo,
    drain(claim, heartbeat) {
      const leaving = segments.filter(({ hole, filled, trades }) => hole || filled || trades.length > 0)
      segments = []
      ready = 0
      const batches = leaving.flatMap(({ hole, filled, doubtFrom, trades }): Draft[] => {
        const doubt = doubtFrom === undefined ? [] : [{ ...market, trades: [], upTo, doubtFrom }]
        upTo = Math.max(upTo, hole?.to ?? 0, newestTime(trades))
        return [...doubt, { ...market, trades, upTo, ...(hole && { hole }), ...(filled && { filled }) }]
      })
      const last = batches.at(-1)
      if (claim === undefined || claim <= upTo || (!last && !heartbeat)) return batches
      const hole = unprovenUntil(claim, Math.max(upTo, seen))
      upTo = claim
      if (hole) {
        batches.push({ ...market, trades: [], upTo, hole })
        doubted(hole)
      } else if (last) last.upTo = claim
      else batches.push({ ...market, trades: [], upTo })
      return batches
    },
    retract(proven) {
      // Others of the last trade's millisecond may be missing.
      const doubtFrom = Math.max(proven, lastTime, begun)
      return next === undefined || doubtFrom >= upTo ? [] : [{ ...market, trades: [], upTo, doubtFrom }]
    },
  }
}

const unprovenUntil = (time: number, known: number): Interval | undefined =>
  known > 0 && time - known >= UNPROVEN_MS ? { from: known, to: time } : undefined

const idOf = (trade: Trade): number => (typeof trade.id === 'number' ? trade.id : Number.NaN)
