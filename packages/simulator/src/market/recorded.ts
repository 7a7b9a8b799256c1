import { decimalsOf, quoteOf, units } from './decimal.ts'
import { minuteMs } from './grid.ts'
import type { SymbolSpec, Tape, Trade } from './tape.ts'

/** A trade as it was recorded: price and quantity are the exchange's texts, time is ms. */
export type RecordedTrade = { id: number; price: string; qty: string; time: number; isBuyerMaker: boolean }

/** Index of the first item for which `reached` holds; the items must be sorted by it. */
const firstIndex = <T>(items: readonly T[], reached: (item: T) => boolean): number => {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (reached(items[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

const sameOrder = (a: Trade, b: Trade): boolean =>
  a.time === b.time && a.price === b.price && a.buyerMaker === b.buyerMaker

/**
 * A tape that plays recorded trades of one symbol. They are sorted by id, ids seen twice are dropped, and so are trades
 * of price or quantity zero. A trade whose time lies before that of its predecessor arrives with its predecessor.
 */
export const recordedTape = (
  names: Pick<SymbolSpec, 'symbol' | 'base' | 'quote'>,
  recorded: readonly RecordedTrade[],
): Tape => {
  const sorted = recorded
    .filter((trade) => Number(trade.price) > 0 && Number(trade.qty) > 0)
    .sort((a, b) => a.id - b.id)
    .filter((trade, index, all) => index === 0 || all[index - 1]!.id !== trade.id)
  let tickDecimals = 0
  let lotDecimals = 0
  for (const trade of sorted) {
    tickDecimals = Math.max(tickDecimals, decimalsOf(trade.price))
    lotDecimals = Math.max(lotDecimals, decimalsOf(trade.qty))
  }
  const trades: Trade[] = []
  for (const { id, time, price: priceText, qty: qtyText, isBuyerMaker } of sorted) {
    const price = Number(units(priceText, tickDecimals))
    const qty = Number(units(qtyText, lotDecimals))
    const quote = quoteOf(price, tickDecimals, qty, lotDecimals)
    const before = trades.at(-1)
    const at = Math.max(time, before?.at ?? time)
    const trade = { id, agg: 1, at, time, price, qty, quote, buyerMaker: isBuyerMaker }
    if (before) trade.agg = sameOrder(before, trade) ? before.agg : before.agg + 1
    trades.push(trade)
  }
  const minuteOfTrade = (trade: Trade): number => Math.floor(trade.at / minuteMs)
  const lastTrade = trades.at(-1)
  const end = { id: (lastTrade?.id ?? 0) + 1, agg: (lastTrade?.agg ?? 0) + 1 }
  const indexAt = (minute: number): number => firstIndex(trades, (trade) => trade.at >= minute * minuteMs)
  const byIndex = (index: number): number => trades[index]?.id ?? end.id
  return {
    spec: { ...names, tickDecimals, lotDecimals },
    end,
    strays: trades.filter((trade) => minuteOfTrade(trade) !== Math.floor(trade.time / minuteMs)),
    minute: (minute) => trades.slice(indexAt(minute), indexAt(minute + 1)),
    idAt: (minute) => byIndex(indexAt(minute)),
    minuteOf(id) {
      const trade = trades[firstIndex(trades, (candidate) => candidate.id >= id)]
      return trade ? minuteOfTrade(trade) : lastTrade ? minuteOfTrade(lastTrade) + 1 : 0
    },
    idOfAgg: (agg) => byIndex(firstIndex(trades, (trade) => trade.agg >= agg)),
  }
}
