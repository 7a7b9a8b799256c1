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

/** Folds trades in the order of their ids into one bar; undefined when there are none. */
export const foldTrades = (trades: readonly Trade[], accept?: (trade: Trade) => boolean): Bar | undefined => {
  let bar: Bar | undefined
  let quote = 0
  let takerQuote = 0
  for (const trade of trades) {
    if (accept && !accept(trade)) continue
    if (!bar) {
      bar = flatBar(trade.price)
      bar.first = trade.id
    }
    if (trade.price > bar.high) bar.high = trade.price
    if (trade.price < bar.low) bar.low = trade.price
    bar.close = trade.price
    bar.volume += trade.qty
    bar.count++
    bar.last = trade.id
    if (quote + trade.quote > spill) {
      bar.quote += BigInt(quote)
      quote = 0
    }
    quote += trade.quote
    if (trade.buyerMaker) continue
    bar.takerVolume += trade.qty
    if (takerQuote + trade.quote > spill) {
      bar.takerQuote += BigInt(takerQuote)
      takerQuote = 0
    }
    takerQuote += trade.quote
  }
  if (bar) {
    bar.quote += BigInt(quote)
    bar.takerQuote += BigInt(takerQuote)
  }
  return bar
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
