import type { BookUpdate, Level } from './book.ts'
import { type MarketId, marketKey } from './market.ts'

export interface TopOfBook extends MarketId {
  /** Best first. */
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
  readonly sequence: number
  /** Exchange time, ms; the time of receipt where the exchange gives none. */
  readonly time: number
}

interface Book {
  readonly id: MarketId
  readonly bids: Map<number, number>
  readonly asks: Map<number, number>
  sequence: number
  time: number
}

/** Levels that are kept of a side: the worst go when there are twice as many. */
const MAX_LEVELS = 1_000

/**
 * Live books of markets: a snapshot, and the changes after it. A book that has missed a change is forgotten until the
 * next snapshot.
 */
export function createBooks(depth: number) {
  const books = new Map<string, Book>()
  const changed = new Set<string>()

  return {
    apply(update: BookUpdate): void {
      const key = marketKey(update)
      const book = update.kind === 'snapshot' ? emptyBook(update) : books.get(key)
      if (!book || update.lastSequence <= book.sequence) return
      if (update.kind === 'delta' && update.firstSequence > book.sequence + 1) {
        books.delete(key)
        changed.delete(key)
        return
      }
      setLevels(book.bids, update.bids, descending)
      setLevels(book.asks, update.asks, ascending)
      book.sequence = update.lastSequence
      book.time = update.time || update.received
      books.set(key, book)
      changed.add(key)
    },
    /** The best levels of books that have changed since the last call. */
    takeChanged(): TopOfBook[] {
      const tops = [...changed].flatMap((key) => {
        const book = books.get(key)
        return book ? [topOf(book, depth)] : []
      })
      changed.clear()
      return tops
    },
  }
}

const ascending = ([a]: Level, [b]: Level): number => a - b
const descending = ([a]: Level, [b]: Level): number => b - a

const emptyBook = ({ exchange, symbol }: MarketId): Book => ({
  id: { exchange, symbol },
  bids: new Map(),
  asks: new Map(),
  sequence: -1,
  time: 0,
})

function setLevels(side: Map<number, number>, levels: readonly Level[], order: typeof ascending): void {
  for (const [price, quantity] of levels) {
    if (quantity === 0) side.delete(price)
    else side.set(price, quantity)
  }
  if (side.size <= 2 * MAX_LEVELS) return
  for (const [price] of [...side].sort(order).slice(MAX_LEVELS)) side.delete(price)
}

const topOf = ({ id, bids, asks, sequence, time }: Book, depth: number): TopOfBook => ({
  ...id,
  bids: [...bids].sort(descending).slice(0, depth),
  asks: [...asks].sort(ascending).slice(0, depth),
  sequence,
  time,
})
