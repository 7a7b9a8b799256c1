import { plainSymbol } from '../../domain/market.ts'
import type { Side, Trade } from '../../domain/trade.ts'
import { bad, plainNumber, skipped, timeOf, truth } from './cells.ts'
import { type Kind, missing, tradeColumns } from './columns.ts'
import type { Cells, Compile } from './rows.ts'

export interface TradeOptions {
  readonly kind: Exclude<Kind, 'klines'>
  readonly exchange: string
  readonly symbol: string
  /** Midnight of the day a file is named for, ms: its times may count from there. */
  readonly day?: number
}

/**
 * Compiles a reader of trade rows. Price or quantity may be 0 (exchanges do record such trades): the caller sets them
 * aside, for their ids still count. An aggregate becomes a trade that holds `count` raw ones.
 */
export function tradeRows(options: TradeOptions): Compile<Trade> {
  const { kind, exchange, symbol, day } = options
  return (names) => {
    const at = tradeColumns(names)
    const lacks = missing(kind, at)
    if (lacks.length) throw new Error(`no column for ${lacks.join(', ')} among ${names.join(', ')}`)
    const ids = kind === 'aggTrades' ? aggregateIds(at.firstId, at.lastId) : singleId(at.id)
    const sideOf = sideReader(at.maker, at.side)
    return (cells, receivedHere) => {
      const market = cells[at.symbol]
      if (market !== undefined && !isSymbol(market, symbol)) return skipped(`row of ${market}`)
      const id = ids(cells)
      if (typeof id === 'string') return bad(id)
      const price = plainNumber(cells[at.price] ?? '')
      if (price === undefined) return bad(`price ${JSON.stringify(cells[at.price])} is no number of at most 15 digits`)
      const quantity = plainNumber(cells[at.quantity] ?? '')
      if (quantity === undefined) return bad(`quantity ${JSON.stringify(cells[at.quantity])} is no such number`)
      const time = timeOf(cells[at.time] ?? '', day)
      if (time === undefined) return bad(`time ${JSON.stringify(cells[at.time])} is none`)
      const side = sideOf(cells)
      if (!side) return bad('neither buy nor sell')
      const received = receivedHere ?? timeOf(cells[at.received] ?? '') ?? time
      return { type: 'trade', exchange, symbol, id: id.id, count: id.count, price, quantity, side, time, received }
    }
  }
}

export const isSymbol = (text: string, symbol: string): boolean =>
  text === symbol || plainSymbol(text.split(':')[0] ?? '').toUpperCase() === symbol

type Ids = { id: number | string; count: number }

const singleId =
  (column: number) =>
  (cells: Cells): Ids | string => {
    const text = cells[column] ?? ''
    const id = Number(text)
    if (text !== '' && Number.isSafeInteger(id) && id >= 0) return { id, count: 1 }
    return text === '' || text.startsWith('-') ? `trade id ${JSON.stringify(text)} is none` : { id: text, count: 1 }
  }

const aggregateIds =
  (first: number, last: number) =>
  (cells: Cells): Ids | string => {
    const id = Number(cells[first] || NaN)
    const end = Number(cells[last] || NaN)
    if (!Number.isSafeInteger(id) || !Number.isSafeInteger(end) || id < 0 || end < id)
      return `trade ids ${cells[first]} to ${cells[last]} are no range`
    return { id, count: end - id + 1 }
  }

/** The taker sells when the buyer was the maker. */
function sideReader(maker: number, side: number): (cells: Cells) => Side | undefined {
  if (maker >= 0) {
    return (cells) => {
      const made = truth(cells[maker])
      return made === undefined ? undefined : made ? 'sell' : 'buy'
    }
  }
  if (side < 0) return () => 'buy'
  return (cells) => {
    const text = cells[side]?.toLowerCase()
    return text === 'buy' || text === 'sell' ? text : undefined
  }
}
