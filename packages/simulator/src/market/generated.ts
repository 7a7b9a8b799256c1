import { quoteOf } from './decimal.ts'
import { dayMs, minuteMs } from './grid.ts'
import { generator, mix, mixText, unit } from './hash.ts'
import { drift, liveliness } from './noise.ts'
import type { SymbolModel } from './symbols.ts'
import type { Tape, Trade } from './tape.ts'

const minutesPerDay = dayMs / minuteMs

/** Trades in one turn of the pattern that says which trades continue the aggregate trade before them. */
const turn = 64

type Pattern = { continues: Uint8Array; rank: Uint8Array; starts: number[] }

/** About three trades in ten are a further fill of the same order at the same price, at most three in a row. */
const patternOf = (seed: number): Pattern => {
  const continues = new Uint8Array(turn)
  const rank = new Uint8Array(turn)
  const starts: number[] = []
  for (let i = 0; i < turn; i++) {
    const run = i > 2 && continues[i - 1] === 1 && continues[i - 2] === 1 && continues[i - 3] === 1
    continues[i] = i > 0 && !run && unit(seed, i) < 0.3 ? 1 : 0
    if (continues[i] === 0) starts.push(i)
    rank[i] = starts.length - 1
  }
  return { continues, rank, starts }
}

/** The bell curve, near enough: three even numbers added, mean 0, deviation 1. */
const bell = (random: () => number): number => (random() + random() + random() - 1.5) * 2

/**
 * The endless tape of a generated symbol. Each minute is a pure function of the seed, the symbol and its rate, so any
 * minute can be made without those before it. A day's number of trades is fixed by the day; inside the day the minutes
 * share it by their liveliness; so the id at which a minute starts needs only that day's table.
 */
export const generatedTape = (seed: number, model: SymbolModel): Tape => {
  const own = mixText(seed, model.symbol)
  const pattern = patternOf(mix(own, 1))
  const baseBlock = 1_000_000 + Math.floor(unit(own, 2) * 20_000_000)
  const daily = Math.max(turn * 3, Math.round(model.rate * 86_400))
  const silent = model.rate > 0.5 ? 0 : 0.15 + 0.3 * unit(own, 3)
  const days = new Map<number, Float64Array>()
  const tick = 10 ** model.tickDecimals
  const dollar = model.quote === 'BTC' ? 1 / 90_000 : model.quote === 'ETH' ? 1 / 3_000 : 1
  const median = Math.max(1, (((150 + 500 * unit(own, 4)) * dollar) / model.level) * 10 ** model.lotDecimals)

  const snap = (id: number): number => {
    let start = id
    while (pattern.continues[start % turn] === 1) start--
    return start
  }
  const dayStart = (day: number): number =>
    snap(baseBlock * turn + daily * (day - 15_000) + Math.floor((daily / 2) * unit(mix(own, 5), day)))
  const aggOf = (id: number): number => Math.floor(id / turn) * pattern.starts.length + pattern.rank[id % turn]!

  const tableOf = (day: number): Float64Array => {
    const cached = days.get(day)
    if (cached) return cached
    const first = dayStart(day)
    const total = dayStart(day + 1) - first
    const weights = Array.from({ length: minutesPerDay }, (_, i) => liveliness(own, day * minutesPerDay + i, silent))
    const whole = weights.reduce((sum, weight) => sum + weight, 0)
    const table = new Float64Array(minutesPerDay + 1)
    let sum = 0
    for (let i = 0; i < minutesPerDay; i++) {
      table[i] = snap(first + Math.floor((total * sum) / whole))
      sum += weights[i]!
    }
    table[minutesPerDay] = first + total
    if (days.size > 8) days.delete(days.keys().next().value!)
    days.set(day, table)
    return table
  }

  const idAt = (minute: number): number => {
    const day = Math.floor(minute / minutesPerDay)
    return tableOf(day)[minute - day * minutesPerDay]!
  }

  const minuteOf = (id: number): number => {
    let day = 15_000 + Math.floor((id - baseBlock * turn) / daily)
    while (dayStart(day) > id) day--
    while (dayStart(day + 1) <= id) day++
    const table = tableOf(day)
    let low = 0
    let high = minutesPerDay
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (table[middle]! <= id) low = middle
      else high = middle
    }
    return day * minutesPerDay + low
  }

  const anchor = (minute: number): number => model.level * Math.exp(drift(own, minute)) * tick

  /** When the orders of a minute come, in ms from its start: clustered, sorted. */
  const times = (random: () => number, count: number): Float64Array => {
    const marks = new Float64Array(count)
    let sum = 0
    for (let i = 0; i < count; i++) {
      sum -= Math.log(1 - random()) * (random() < 0.35 ? 0.02 : 1)
      marks[i] = sum
    }
    const whole = sum - Math.log(1 - random())
    for (let i = 0; i < count; i++) marks[i] = Math.floor((marks[i]! / whole) * minuteMs)
    return marks
  }

  /** Where the price stands between the two ends of a minute: a random walk tied down at both, in ticks. */
  const path = (random: () => number, count: number, from: number, to: number): Float64Array => {
    const step = (from * 0.0005 * (0.4 + random())) / Math.sqrt(count + 1)
    const walk = new Float64Array(count)
    let sum = 0
    for (let i = 0; i < count; i++) {
      sum += bell(random) * step
      walk[i] = sum
    }
    const pull = (to - from - sum) / (count + 1)
    for (let i = 0; i < count; i++) walk[i] = from + walk[i]! + pull * (i + 1)
    return walk
  }

  const minute = (number: number): Trade[] => {
    const first = idAt(number)
    const end = idAt(number + 1)
    if (first === end) return []
    const random = generator(mix(mix(own, 6), number))
    const orders = aggOf(end - 1) - aggOf(first) + 1
    const offsets = times(random, orders)
    const prices = path(random, orders, anchor(number), anchor(number + 1))
    const trades: Trade[] = []
    let order = -1
    let time = 0
    let price = 0
    let buyerMaker = false
    for (let id = first; id < end; id++) {
      if (pattern.continues[id % turn] === 0) {
        order++
        const sweeps = order > 0 && random() < 0.12
        if (sweeps) price = Math.max(1, price + (buyerMaker ? -1 : 1))
        else {
          time = Math.max(time, number * minuteMs + offsets[order]!)
          buyerMaker = random() < 0.5
          price = Math.max(1, Math.floor(prices[order]!) + (buyerMaker ? 0 : 1))
        }
      }
      const qty = Math.max(1, Math.round(median * Math.exp(Math.min(4.5, bell(random) * 1.3))))
      const quote = quoteOf(price, model.tickDecimals, qty, model.lotDecimals)
      trades.push({ id, agg: aggOf(id), at: time, time, price, qty, quote, buyerMaker })
    }
    return trades
  }

  const idOfAgg = (agg: number): number =>
    Math.floor(agg / pattern.starts.length) * turn + pattern.starts[agg % pattern.starts.length]!

  return { spec: model, minute, idAt, minuteOf, idOfAgg, strays: [] }
}
