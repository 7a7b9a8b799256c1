import type { Trade } from './tape.ts'

/**
 * The sum of some trades: prices in ticks, `volume` and `takerVolume` in lots, quotes in 10^-8 of the quote currency.
 * `first` and `last` are trade ids. Empty when `count` is 0.
 */
export type Bar = {
  open: number
  high: number
  low: number
  close: number
  volume: number
  quote: bigint
  count: number
  takerVolume: number
  takerQuote: bigint
  first: number
  last: number
}

/** A bar without trades, flat at a price in ticks. */
export const flatBar = (price: number): Bar => ({
  open: price,
  high: price,
  low: price,
  close: price,
  volume: 0,
  quote: 0n,
  count: 0,
  takerVolume: 0,
  takerQuote: 0n,
  first: -1,
  last: -1,
})

/** Quote sums run as numbers up to here and move into a bigint before they could lose a digit. */
const spill = 2 ** 52

/** A sum of whole numbers that stays exact past 2^53. */
type Sum = { rest: number; full: bigint }
const add = (sum: Sum, value: number): void => {
  if (sum.rest + value > spill) {
    sum.full += BigInt(sum.rest)
    sum.rest = 0
  }
  sum.rest += value
}
const total = ({ rest, full }: Sum): bigint => full + BigInt(rest)

/** Folds trades in the order of their ids into one bar; undefined when there are none. */
export const foldTrades = (trades: readonly Trade[], accept?: (trade: Trade) => boolean): Bar | undefined => {
  const chosen = accept ? trades.filter(accept) : trades
  const [first, last] = [chosen[0], chosen.at(-1)]
  if (!first || !last) return undefined
  let high = first.price
  let low = first.price
  let volume = 0
  let takerVolume = 0
  const quote: Sum = { rest: 0, full: 0n }
  const takerQuote: Sum = { rest: 0, full: 0n }
  for (const trade of chosen) {
    if (trade.price > high) high = trade.price
    if (trade.price < low) low = trade.price
    volume += trade.qty
    add(quote, trade.quote)
    if (trade.buyerMaker) continue
    takerVolume += trade.qty
    add(takerQuote, trade.quote)
  }
  return {
    open: first.price,
    high,
    low,
    close: last.price,
    volume,
    quote: total(quote),
    count: chosen.length,
    takerVolume,
    takerQuote: total(takerQuote),
    first: first.id,
    last: last.id,
  }
}

/** One bar out of two neighbours. Ids decide what opened and what closed: a late trade may belong to the earlier one. */
export const joinBars = (before: Bar | undefined, after: Bar | undefined): Bar | undefined => {
  if (!before || before.count === 0) return after
  if (!after || after.count === 0) return before
  return {
    open: before.first <= after.first ? before.open : after.open,
    high: Math.max(before.high, after.high),
    low: Math.min(before.low, after.low),
    close: after.last >= before.last ? after.close : before.close,
    volume: before.volume + after.volume,
    quote: before.quote + after.quote,
    count: before.count + after.count,
    takerVolume: before.takerVolume + after.takerVolume,
    takerQuote: before.takerQuote + after.takerQuote,
    first: Math.min(before.first, after.first),
    last: Math.max(before.last, after.last),
  }
}
