import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Interval } from '../../domain/coverage.ts'
import type { MarketId } from '../../domain/market.ts'
import type { Trade } from '../../domain/trade.ts'
import { SIDES } from '../codes.ts'
import type { GivenNames, KnownNames } from './names.ts'
import { type Op, type PackedTrades, TRADE_WIDTH } from './pack.ts'
import { breathe, bulkInsert, query } from './sql.ts'

const VALUES = ['count', 'price', 'quantity', 'side', 'time', 'received']
const COLUMNS = ['market', 'id', ...VALUES]
type TradeOp = Extract<Op, { kind: 'trades' }>

/** Writes packed trades; one that is there already stays as it is. */
export function tradeWriter(db: DatabaseSync, names: GivenNames) {
  const insertCounted = bulkInsert(db, 'trades', COLUMNS, 'ON CONFLICT DO NOTHING')
  const insertNamed = bulkInsert(db, 'named_trades', COLUMNS, 'ON CONFLICT DO NOTHING')
  function write(insert: typeof insertCounted, { markets, rows }: PackedTrades, idOf: (id: number) => number | string) {
    const numbers = markets.map(names.market)
    return insert(rows.length / TRADE_WIDTH, (index: number, parameters: SQLInputValue[], at: number) => {
      const row = index * TRADE_WIDTH
      parameters[at] = numbers[rows[row]!]!
      parameters[at + 1] = idOf(rows[row + 1]!)
      for (let c = 2; c < TRADE_WIDTH; c++) parameters[at + c] = rows[row + c]!
    })
  }

  return ({ counted, named, ids }: TradeOp): number =>
    write(insertCounted, counted, (id) => id) + write(insertNamed, named, (place) => ids[place]!)
}

type Row = [
  id: number | string,
  count: number,
  price: number,
  quantity: number,
  side: number,
  time: number,
  received: number,
  place: number,
]
/** Rows read at a stretch. */
const SLICE = 5_000

export function tradeReader(db: DatabaseSync, names: KnownNames) {
  const slice = (table: string, place: string) =>
    query<Row>(
      db,
      `SELECT id, ${VALUES.join(', ')}, ${place} FROM ${table}
       WHERE market = ? AND (time, ${place}) > (?, ?) AND time < ? ORDER BY time, ${place} LIMIT ?`,
    )
  const counted = slice('trades', 'id')
  const named = slice('named_trades', 'sequence')
  const last = query<Row>(
    db,
    `SELECT id, ${VALUES.join(', ')}, id FROM trades WHERE market = ? ORDER BY id DESC LIMIT 1`,
  )

  /** By time, then by `place`, a stretch at a time. */
  async function read(stretch: typeof counted, market: number, { from, to }: Interval, limit: number): Promise<Row[]> {
    const found: Row[] = []
    let after: [time: number, place: number] = [from, Number.MIN_SAFE_INTEGER]
    while (found.length < limit) {
      const size = Math.min(SLICE, limit - found.length)
      const rows = stretch(market, ...after, to, size)
      for (const row of rows) found.push(row)
      if (rows.length < size) break
      const end = rows.at(-1)!
      after = [end[5], end[7]]
      if (found.length < limit) await breathe()
    }
    return found
  }

  return {
    async range(of: MarketId, range: Interval & { limit?: number }): Promise<Trade[]> {
      const market = names.market(of)
      if (market === undefined) return []
      const limit = range.limit ?? Infinity
      const numbers = await read(counted, market, range, limit)
      const texts = await read(named, market, range, limit)
      numbers.sort((a, b) => a[7] - b[7])
      return [...numbers, ...texts].slice(0, limit).map((row) => tradeOf(of, row))
    },
    last(of: MarketId): Trade | undefined {
      const market = names.market(of)
      const row = market === undefined ? undefined : last(market)[0]
      return row && tradeOf(of, row)
    },
  }
}

const tradeOf = ({ exchange, symbol }: MarketId, [id, count, price, quantity, side, time, received]: Row): Trade => ({
  type: 'trade',
  exchange,
  symbol,
  id,
  count,
  price,
  quantity,
  side: SIDES[side]!,
  time,
  received,
})
