import { type Bar, flatBar, foldTrades, joinBars } from './bars.ts'
import { type Interval, minuteMs, nextOpen, openOf } from './grid.ts'
import { type Halt, withHalts } from './halts.ts'
import type { SymbolSpec, Tape, Trade } from './tape.ts'

/** A bar of the exchange: open time in ms and the fold of its trades. */
export type Row = { open: number; end: number; bar: Bar }

/** One symbol as the exchange knows it at a moment: whatever arrives after `now` is not there yet. All times in ms. */
export type Market = {
  spec: SymbolSpec
  /** Where history starts. */
  listed: number
  /** Trades that arrive after `from` and not after `to`, in id order. */
  arrivals(from: number, to: number): Trade[]
  /** At most `limit` trades from an id on. */
  fromId(id: number, limit: number, now: number): Trade[]
  /** The newest trade, if there was one. */
  last(now: number): Trade | undefined
  /** The first trade that history holds. */
  firstId: number
  idOfAgg(agg: number): number
  /** Trades with a trade time in [from, to], oldest first, at most about `limit` aggregate trades. */
  window(from: number, to: number, now: number, limit: number): Trade[]
  /** The newest trades not after `to`: at least `limit` aggregate trades, unless history starts before. */
  before(to: number, now: number, limit: number): Trade[]
  /** The fold of all trades in [from, to); undefined when nothing traded. */
  fold(from: number, to: number, now: number): Bar | undefined
  /** The oldest bars with an open time in [from, to]: quiet ones are flat, halted ones absent. */
  rows(interval: Interval, from: number, to: number, now: number, limit?: number, shift?: number): Row[]
  /** Makes the minutes of [from, to] in slices, so that the next fold over them is quick and nothing waits for long. */
  prepare(from: number, to: number, now: number): Promise<void>
  /** The next trade after `now` will carry a trade time `ms` before its arrival. Returns its id. */
  delay(now: number, ms: number): number | undefined
  halt(halt: Halt): void
  halts: readonly Halt[]
  /** How many late trades have arrived: each changes the past. */
  arrivedLate(now: number): number
  /** Grows whenever a fault changes what the market holds. */
  version(): number
}

const minuteAt = (time: number): number => Math.floor(time / minuteMs)
const keptTrades = 6
const sliceMs = 8

/** How many trades of a list that is sorted by arrival have arrived at `now`. */
const arrived = (trades: readonly Trade[], now: number): number => {
  let low = 0
  let high = trades.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (trades[middle]!.at > now) high = middle
    else low = middle + 1
  }
  return low
}

/** A bounded map that forgets what it has held longest. */
const memo = <T>(limit: number, make: (key: number) => T) => {
  const held = new Map<number, T>()
  return {
    get(key: number): T {
      const found = held.get(key)
      if (found !== undefined) return found
      const made = make(key)
      if (held.size >= limit) held.delete(held.keys().next().value!)
      held.set(key, made)
      return made
    },
    has: (key: number) => held.has(key),
    forget: (key?: number) => (key === undefined ? held.clear() : void held.delete(key)),
  }
}

/** @param keptBars how many finished one-minute bars stay in memory */
export const createMarket = (source: Tape, listed: number, keptBars: number): Market => {
  const tape = withHalts(source)
  let version = 0
  const delays = new Map<number, number>()
  const strays = new Map<number, Trade[]>()
  const addStray = (trade: Trade): void => {
    const minute = minuteAt(trade.time)
    if (minute !== minuteAt(trade.at)) strays.set(minute, [...(strays.get(minute) ?? []), trade])
  }
  const dropStray = ({ id, time }: Trade): void => {
    const minute = minuteAt(time)
    const left = strays.get(minute)?.filter((trade) => trade.id !== id) ?? []
    if (left.length > 0) strays.set(minute, left)
    else strays.delete(minute)
  }
  for (const trade of source.strays) addStray(trade)

  const firstMinute = minuteAt(listed)
  const firstId = tape.idAt(firstMinute)
  const late = (trade: Trade): Trade => {
    const ms = delays.get(trade.agg)
    return ms === undefined ? trade : { ...trade, time: trade.at - ms }
  }
  const groupOf = (agg: number): Trade[] =>
    tape.minute(tape.minuteOf(tape.idOfAgg(agg))).filter((trade) => trade.agg === agg)
  const minutes = memo(keptTrades, (minute) =>
    minute < firstMinute ? [] : delays.size === 0 ? tape.minute(minute) : tape.minute(minute).map(late),
  )

  const minuteFold = (minute: number, accept?: (trade: Trade) => boolean): Bar | undefined => {
    if (strays.size === 0) return foldTrades(minutes.get(minute), accept)
    const own = minutes.get(minute).filter((trade) => minuteAt(trade.time) === minute)
    return foldTrades([...own, ...(strays.get(minute) ?? [])], accept)
  }
  const empty = flatBar(0)
  const bars = memo(keptBars, (minute) => minuteFold(minute) ?? empty)
  const settled = (minute: number, now: number): boolean =>
    (minute + 1) * minuteMs <= now && !strays.get(minute)?.some((trade) => trade.at > now)

  const minuteBar = (minute: number, now: number): Bar | undefined => {
    if (!settled(minute, now)) return minuteFold(minute, (trade) => trade.at <= now)
    const bar = bars.get(minute)
    return bar === empty ? undefined : bar
  }

  const edge = (minute: number, from: number, to: number, now: number): Bar | undefined =>
    minuteFold(minute, (trade) => trade.time >= from && trade.time < to && trade.at <= now)

  const fold = (from: number, to: number, now: number): Bar | undefined => {
    const start = Math.max(from, listed)
    const end = Math.min(to, now + 1)
    let bar: Bar | undefined
    for (let minute = minuteAt(start); minute * minuteMs < end; minute++) {
      const open = minute * minuteMs
      const whole = open >= start && open + minuteMs <= to
      bar = joinBars(bar, whole ? minuteBar(minute, now) : edge(minute, start, to, now))
    }
    return bar
  }

  /** The minute of the newest trade before a minute, or undefined at the start of history. */
  const tradedBefore = (minute: number): number | undefined => {
    const id = tape.idAt(minute) - 1
    return id < firstId ? undefined : tape.minuteOf(id)
  }

  const last = (now: number): Trade | undefined => {
    for (let minute: number | undefined = minuteAt(now); minute !== undefined; minute = tradedBefore(minute)) {
      const trades = minutes.get(minute)
      const count = arrived(trades, now)
      if (count > 0) return trades[count - 1]
    }
    return undefined
  }

  /** The close of the newest bar before `open`, in ticks. */
  const closeBefore = (open: number, now: number): number | undefined => {
    const within = edge(minuteAt(open), openOf('1m', open), open, now)
    if (within) return within.close
    for (let minute = tradedBefore(minuteAt(open)); minute !== undefined; minute = tradedBefore(minute)) {
      const bar = minuteBar(minute, now)
      if (bar) return bar.close
    }
    return undefined
  }

  const halted = (open: number, end: number): boolean => tape.halts.some((halt) => halt.from <= open && halt.to >= end)

  const rows: Market['rows'] = (interval, from, to, now, limit = Number.POSITIVE_INFINITY, shift = 0) => {
    const found: Row[] = []
    let open = openOf(interval, Math.max(from, listed), shift)
    if (open < from) open = nextOpen(interval, open, shift)
    let close: number | undefined
    for (; open <= Math.min(to, now) && found.length < limit; open = nextOpen(interval, open, shift)) {
      const end = nextOpen(interval, open, shift)
      const traded = fold(open, end, now)
      if (!traded && halted(open, Math.min(end, now + 1))) continue
      close ??= traded ? traded.open : closeBefore(open, now)
      if (close === undefined) continue
      const bar = traded ?? flatBar(close)
      found.push({ open, end, bar })
      close = bar.close
    }
    return found
  }

  const fromId = (id: number, limit: number, now: number): Trade[] => {
    const found: Trade[] = []
    let next = Math.max(id, firstId)
    while (found.length < limit) {
      const minute = tape.minuteOf(next)
      if (minute * minuteMs > now) break
      const trades = minutes.get(minute).filter((trade) => trade.id >= next && trade.at <= now)
      found.push(...trades.slice(0, limit - found.length))
      const end = tape.idAt(minute + 1)
      if (end <= next) break
      next = end
    }
    return found
  }

  const arrivals = (from: number, to: number): Trade[] => {
    const found: Trade[] = []
    for (let minute = minuteAt(from); minute <= minuteAt(to); minute++) {
      const trades = minutes.get(minute)
      const end = arrived(trades, to)
      for (let i = arrived(trades, from); i < end; i++) found.push(trades[i]!)
    }
    return found
  }

  const window: Market['window'] = (from, to, now, limit) => {
    const found: Trade[] = []
    const end = Math.min(to, now)
    const start = Math.max(from, listed)
    let minute = minuteAt(start)
    while (minute <= minuteAt(end) && (found.length === 0 || found.at(-1)!.agg - found[0]!.agg < limit)) {
      for (const trade of minutes.get(minute)) {
        if (trade.time >= start && trade.time <= end && trade.at <= now) found.push(trade)
      }
      minute = Math.max(minute + 1, tape.minuteOf(tape.idAt(minute + 1)))
    }
    const seen = new Set(found.map((trade) => trade.id))
    for (const trades of strays.values()) {
      for (const trade of trades) {
        if (trade.time >= start && trade.time <= end && trade.at <= now && !seen.has(trade.id)) found.push(trade)
      }
    }
    return found
  }

  const before: Market['before'] = (to, now, limit) => {
    const pages: Trade[][] = []
    let aggs = 0
    let minute: number | undefined = minuteAt(Math.min(to, now))
    while (minute !== undefined && aggs <= limit) {
      const page: Trade[] = minutes.get(minute).filter((trade) => trade.time <= to && trade.at <= now)
      if (page.length > 0) aggs += page.at(-1)!.agg - page[0]!.agg + 1
      pages.push(page)
      minute = tradedBefore(minute)
    }
    return pages.reverse().flat()
  }

  return {
    spec: tape.spec,
    listed,
    firstId,
    arrivals,
    fromId,
    last,
    idOfAgg: tape.idOfAgg,
    window,
    before,
    fold,
    rows,
    halts: tape.halts,
    arrivedLate: (now) =>
      strays.size === 0 ? 0 : strays.values().reduce((sum, some) => sum + some.filter(({ at }) => at <= now).length, 0),
    version: () => version,
    async prepare(from, to, now) {
      let slice = performance.now()
      for (let minute = minuteAt(Math.max(from, listed)); minute * minuteMs <= Math.min(to, now); minute++) {
        if (settled(minute, now) && !bars.has(minute)) bars.get(minute)
        if (performance.now() - slice < sliceMs) continue
        await new Promise((resolve) => setImmediate(resolve))
        slice = performance.now()
      }
    },
    delay(now, ms) {
      const next = (last(now)?.id ?? firstId - 1) + 1
      const minute = tape.minuteOf(next)
      const trades = tape.minute(minute)
      const agg = trades.find((trade) => trade.id === next)?.agg
      if (agg === undefined) return undefined
      const group = trades.filter((trade) => trade.agg === agg)
      // It may have been delayed before, by another while.
      for (const trade of group) {
        const before = late(trade)
        dropStray(before)
        bars.forget(minuteAt(before.time))
      }
      delays.set(agg, ms)
      version++
      minutes.forget()
      for (const trade of group) {
        const moved = late(trade)
        addStray(moved)
        bars.forget(minuteAt(moved.time))
        bars.forget(minuteAt(moved.at))
      }
      return next
    },
    halt(halt) {
      tape.halt(halt)
      version++
      minutes.forget()
      bars.forget()
      // The trades after it have moved: another one may be the late one now, or none.
      strays.clear()
      for (const trade of source.strays) addStray(trade)
      for (const agg of delays.keys()) for (const trade of groupOf(agg)) addStray(late(trade))
    },
  }
}
