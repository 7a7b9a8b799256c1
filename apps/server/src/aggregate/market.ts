import { addTrade, CLOSE, END, isEmpty, mergeBar, REVISION, START, toCandle, WIDTH } from '../domain/bar.ts'
import type { Candle } from '../domain/candle.ts'
import type { Interval } from '../domain/coverage.ts'
import { flatCandle } from '../domain/fill.ts'
import { counts } from '../domain/fold.ts'
import type { MarketId } from '../domain/market.ts'
import { MINUTE, nextOpen, openTime, type parents } from '../domain/timeframe.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import { createIds } from './ids.ts'
import { barAt, barOf, createLane, dropBars, findBar, findClosing, type Lane, type Partial, restart } from './lane.ts'
import type { MarketMemory } from './memory.ts'

/** Closed bars of the smallest timeframe and of each larger one that are kept in memory, so that late trades find them. */
const RECENT = 64
const RECENT_LARGER = 8

/** A trade of a closed candle that has left memory: the candle must be revised from the store. */
export interface LateTrade extends MarketId {
  readonly timeframe: string
  readonly open: number
  readonly trade: Trade
}

/** What a batch of trades leads to. */
export interface Step {
  readonly candles: Candle[]
  readonly late: LateTrade[]
  /** Trades that came after their candle had closed, and trades left out because they were counted before. */
  lateTrades: number
  duplicates: number
  /** The market began, for the first time or after a hole: history may complete its first candles. */
  began: boolean
  /** Where stored candles have to be made anew: late trades belong there that no live candle takes in. */
  remake: Interval | undefined
}

export const emptyStep = (): Step => ({
  candles: [],
  late: [],
  lateTrades: 0,
  duplicates: 0,
  began: false,
  remake: undefined,
})

/** Keeps only the candles of a step, so that it can take in the next batch. */
export function clearNotes(step: Step): void {
  step.late.length = 0
  step.lateTrades = 0
  step.duplicates = 0
  step.began = false
  step.remake = undefined
}

export type Market = ReturnType<typeof createMarket>

/** The candles of one market in the making. `chain` says which timeframe is rolled up from which. */
export function createMarket(id: MarketId, chain: ReturnType<typeof parents>, latenessMs: number) {
  const lanes = createLanes(chain, latenessMs)
  const base = lanes[0]!
  const { rows } = base
  const ids = createIds()
  const scratch = new Float64Array(WIDTH)
  let started = false
  /** Trades are complete from here on; candles of a minute and more count live trades from `liveFrom`. */
  let completeFrom = Number.NEGATIVE_INFINITY
  let liveFrom = Number.NEGATIVE_INFINITY
  /** Trades before it are no part of any live bar. */
  let baseFrom = Number.NEGATIVE_INFINITY
  let arrivals = 0
  let reached = Number.NEGATIVE_INFINITY
  /** How long the exchange has said that the market does not trade. */
  let standstill: Interval | undefined
  /** Where trades came that no live candle takes in. */
  let remake: Interval | undefined
  /**
   * The open bar of the smallest timeframe that took the last trade, its bounds (empty ones for none), and the newest
   * trade time. In an object, because a number that a closure changes would be allocated anew for each trade.
   */
  const head = {
    at: 0,
    from: Number.POSITIVE_INFINITY,
    to: Number.NEGATIVE_INFINITY,
    newestTime: Number.NEGATIVE_INFINITY,
  }

  /** First time from `time` on at which a minute and every timeframe below a minute begin a candle. */
  function liveStart(time: number): number {
    let start = Math.ceil(time / MINUTE) * MINUTE
    while (lanes.some(({ subMinute, frame }) => subMinute && openTime(frame, start) !== start)) start += MINUTE
    return start
  }

  /** Trades in `[from, to)` are missing: candles that touch it can't be made of live trades alone. */
  function begin(from: number, to: number, step: Step): void {
    if (started) closeUntil(from, step)
    started = true
    completeFrom = to
    liveFrom = liveStart(to)
    baseFrom = base.subMinute ? Math.ceil(to / base.frame.ms) * base.frame.ms : liveFrom
    for (const lane of lanes) {
      restart(lane, from, to, liveFrom)
      dropBars(lane, openTime(lane.frame, from), to)
    }
    leaveCurrent()
    head.newestTime = Number.NEGATIVE_INFINITY
    step.began = true
  }

  function beginIfNew(batch: TradeBatch, step: Step): void {
    const { hole, trades, upTo } = batch
    if (hole) begin(Math.min(hole.from, hole.to), hole.to, step)
    else if (!started) {
      // Nobody said since when trades are complete; after the first one we see they are.
      const first = trades[0]
      const since = first ? first.time + 1 : upTo
      begin(since, since, step)
    }
  }

  /** Closes every candle that ends by `limit`, smaller ones first, because larger ones are made of them. */
  function closeUntil(limit: number, step: Step): void {
    for (const lane of lanes) while (lane.closesAt <= limit) closeNext(lane, step)
    if (head.from < base.closedTo) leaveCurrent()
  }

  function leaveCurrent(): void {
    head.from = Number.POSITIVE_INFINITY
    head.to = Number.NEGATIVE_INFINITY
  }

  function closeNext(lane: Lane, step: Step): void {
    const open = lane.closedTo
    const at = findClosing(lane)
    if (at >= 0) lane.open--
    lane.closedTo = lane.closesAt
    lane.closesAt = nextOpen(lane.frame, lane.closedTo)
    if (at < 0) closeQuiet(lane, open, step)
    else {
      for (const larger of lane.into) rollUpInto(larger, lane, at)
      keepClose(lane, at)
      publish(lane, at, step)
    }
  }

  function keepClose(lane: Lane, at: number): void {
    if (lane.rows[at + START]! < lane.closeFrom) return
    lane.closeFrom = lane.rows[at + START]!
    lane.close = lane.rows[at + CLOSE]!
  }

  /** Nothing traded live: a candle begun before may still have traded, others are flat. */
  function closeQuiet(lane: Lane, open: number, step: Step): void {
    const partial = partialOf(lane, open)
    if (partial) publishPartial(lane, partial, -1, step)
    else if (!Number.isNaN(lane.close)) step.candles.push(flatCandle(id, lane.frame.code, open, lane.close))
  }

  function rollUpInto(larger: Lane, smaller: Lane, at: number): void {
    const start = smaller.rows[at + START]!
    const open = openTime(larger.frame, start)
    const counted = larger.subMinute ? open >= completeFrom : start >= liveFrom || !smaller.subMinute
    if (counted) mergeBar(larger.rows, barAt(larger, open), smaller.rows, at)
  }

  const partialOf = (lane: Lane, open: number): Partial | undefined =>
    open < completeFrom ? lane.partials.find((partial) => partial.open === open) : undefined

  /** Emits the closed candle of a bar, with its history; nothing while that is not known. */
  function publish(lane: Lane, at: number, step: Step): void {
    const partial = partialOf(lane, lane.rows[at + START]!)
    if (partial) publishPartial(lane, partial, at, step)
    else if (lane.rows[at + START]! >= completeFrom)
      step.candles.push(toCandle(lane.rows, at, id, lane.frame.code, true))
  }

  function publishPartial(lane: Lane, partial: Partial, at: number, step: Step): void {
    if (!partial.history) return
    scratch.set(partial.history)
    if (at >= 0) mergeBar(scratch, 0, lane.rows, at)
    if (at >= 0) scratch[REVISION] = lane.rows[at + REVISION]!
    if (!isEmpty(scratch, 0)) step.candles.push(toCandle(scratch, 0, id, lane.frame.code, true))
    else if (!Number.isNaN(lane.close)) step.candles.push(flatCandle(id, lane.frame.code, partial.open, lane.close))
  }

  function addOne(trade: Trade, step: Step): void {
    const order = typeof trade.id === 'number' ? trade.id : arrivals++
    const { time, price, quantity, count } = trade
    if (time < head.from || time >= head.to) {
      if (time < baseFrom) {
        wantRemade(step, time, time + 1)
        return
      }
      if (time < base.closedTo) {
        addLate(trade, order, step)
        return
      }
      if (time - latenessMs >= base.closesAt) closeUntil(time - latenessMs, step)
      head.at = barAt(base, openTime(base.frame, time))
      head.from = rows[head.at + START]!
      head.to = rows[head.at + END]!
    }
    if (time > head.newestTime) head.newestTime = time
    addTrade(rows, head.at, price, quantity, order, count)
  }

  /**
   * Its candle of the smallest timeframe is closed: that and each closed larger one is revised. The smallest that is
   * still open takes it in, and hands it on when it closes.
   */
  function addLate(trade: Trade, order: number, step: Step): void {
    step.lateTrades++
    if (trade.time < liveFrom) wantRemade(step, trade.time, trade.time + 1)
    for (const lane of lanes) {
      const handedOn = lane.from && openTime(lane.from.frame, trade.time) >= lane.from.closedTo
      const open = openTime(lane.frame, trade.time)
      const live = lane.subMinute ? open >= completeFrom : trade.time >= liveFrom
      if (live && !handedOn) addLateTo(lane, open, trade, order, step)
    }
  }

  function addLateTo(lane: Lane, open: number, trade: Trade, order: number, step: Step): void {
    const closed = open < lane.closedTo
    const known = findBar(lane, open)
    if (closed && known < 0 && open < lane.forgotten) {
      step.late.push({ ...id, timeframe: lane.frame.code, open, trade })
      return
    }
    const at = known < 0 ? barAt(lane, open) : known
    addTrade(lane.rows, at, trade.price, trade.quantity, order, trade.count)
    if (!closed) return
    lane.rows[at + REVISION] = lane.rows[at + REVISION]! + 1
    keepClose(lane, at)
    publish(lane, at, step)
  }

  /** The open candle of a lane: its closed parts, and the open bars of the smaller lanes that it will be made of. */
  function formingBar(lane: Lane, open: number, end: number): void {
    const at = findBar(lane, open)
    if (at >= 0) mergeBar(scratch, 0, lane.rows, at)
    for (let part = lane.from; part; part = part.from) {
      const since = part.subMinute && !lane.subMinute ? Math.max(part.closedTo, liveFrom) : part.closedTo
      for (let row = 0; row < part.rows.length; row += WIDTH) {
        const start = part.rows[row + START]!
        if (start >= since && start >= open && start < end) mergeBar(scratch, 0, part.rows, row)
      }
    }
  }

  function forming(lane: Lane): Candle | undefined {
    const open = openTime(lane.frame, head.newestTime)
    if (open < lane.closedTo || (lane.subMinute && open < completeFrom)) return undefined
    const partial = partialOf(lane, open)
    if (partial && !partial.history) return undefined
    const end = nextOpen(lane.frame, open)
    scratch.set(partial?.history ?? barOf([], open, end))
    formingBar(lane, open, end)
    return isEmpty(scratch, 0) ? undefined : toCandle(scratch, 0, id, lane.frame.code, false)
  }

  return {
    id,
    lanes,
    /** Live trades count from here on in candles of a minute and more. */
    liveFrom: () => liveFrom,

    /** Answers whether the batch held a trade not counted before. */
    add(batch: TradeBatch, step: Step): boolean {
      if (started && batch.halted && batch.trades.length === 0 && !batch.hole) {
        standstill = { from: standstill?.from ?? reached, to: batch.upTo }
        return false
      }
      if (standstill) begin(standstill.from, standstill.to, step)
      standstill = undefined
      beginIfNew(batch, step)
      reached = Math.max(reached, batch.upTo)
      let added = 0
      for (const trade of batch.trades) {
        if (!counts(trade)) continue
        if (ids.isNew(trade)) {
          addOne(trade, step)
          added++
        } else step.duplicates++
      }
      if (batch.filled) wantRemade(step, batch.filled.from, batch.filled.to)
      if (batch.upTo - latenessMs >= base.closesAt) closeUntil(batch.upTo - latenessMs, step)
      if (step.remake) remake = bothOf(remake, step.remake)
      return added > 0
    },

    /** The candle of each timeframe that holds the newest trade, as far as its beginning is known. */
    forming(): Candle[] {
      if (head.newestTime < baseFrom) return []
      return lanes.map(forming).filter((candle) => candle !== undefined)
    },

    /** Gives a partial candle its history; emits it if it is closed. */
    complete(lane: Lane, partial: Partial, history: readonly Candle[], step: Step): void {
      if (partial.history || !lane.partials.includes(partial)) return
      partial.history = barOf(history, partial.open, partial.end)
      lane.amended = true
      if (partial.open < lane.closedTo) publishPartial(lane, partial, findBar(lane, partial.open), step)
    },

    needsClose: (): boolean => lanes.some(({ close }) => Number.isNaN(close)),

    /** The last price before the live trades: what quiet candles before the next trade are drawn at. */
    setClose(close: number): void {
      for (const lane of lanes) if (Number.isNaN(lane.close)) lane.close = close
      base.amended = true
    },

    /** Where trades came that no live candle took in, since the market began. */
    remake: () => remake,

    /** What is remembered beside the lanes. */
    memory: (): MarketMemory => ({
      started,
      times: [completeFrom, liveFrom, baseFrom, arrivals, reached, head.at, head.from, head.to, head.newestTime],
      standstill,
      remake,
      ids: ids.save(),
    }),

    /** Goes on from what was remembered; for a market that has taken in nothing. The lanes are restored beside it. */
    recall(memory: MarketMemory): void {
      started = memory.started
      ;[completeFrom, liveFrom, baseFrom, arrivals, reached, head.at, head.from, head.to, head.newestTime] =
        memory.times
      standstill = memory.standstill
      remake = memory.remake
      ids.restore(memory.ids)
    },
  }
}

function wantRemade(step: Step, from: number, to: number): void {
  const { remake } = step
  step.remake = { from: Math.min(from, remake?.from ?? from), to: Math.max(to, remake?.to ?? to) }
}

const bothOf = (one: Interval | undefined, { from, to }: Interval): Interval => ({
  from: Math.min(from, one?.from ?? from),
  to: Math.max(to, one?.to ?? to),
})

function createLanes(chain: ReturnType<typeof parents>, latenessMs: number): Lane[] {
  const lanes: Lane[] = []
  for (const { frame, from } of chain) {
    const open = Math.ceil(latenessMs / (frame.ms || MINUTE)) + 2
    const smaller = lanes.find((lane) => lane.frame === from)
    lanes.push(createLane(frame, smaller, open + (smaller ? RECENT_LARGER : RECENT)))
  }
  return lanes
}
