import type { Interval } from '../../domain/coverage.ts'
import type { MarketId } from '../../domain/market.ts'
import type { Trade } from '../../domain/trade.ts'
import { SIDES } from '../codes.ts'
import type { Store, TradedMarket } from '../store.ts'
import type { Names } from './names.ts'
import { bulkInsert, type Session, whole } from './sql.ts'

const VALUES = ['count', 'price', 'quantity', 'side', 'time', 'received']
const COLUMNS = ['trading_pair_id', 'id', ...VALUES]
/** The one that is there stays. Unlike INSERT IGNORE it hides no other trouble. */
const FIRST_STAYS = 'ON DUPLICATE KEY UPDATE trading_pair_id = trading_pair_id'
const saveCounted = bulkInsert('trades', COLUMNS, FIRST_STAYS)
const saveNamed = bulkInsert('named_trades', COLUMNS, FIRST_STAYS)

/** Writes trades, inside the caller's transaction; one that is there already stays as it is. */
export async function writeTrades(session: Session, names: Names, trades: readonly Trade[]): Promise<void> {
  const rowOf = (trade: Trade) => [
    names.market(trade),
    trade.id,
    trade.count,
    trade.price,
    trade.quantity,
    SIDES.indexOf(trade.side),
    trade.time,
    trade.received,
  ]
  await saveCounted(session, trades.filter(({ id }) => typeof id === 'number').map(rowOf))
  await saveNamed(session, trades.filter(({ id }) => typeof id === 'string').map(rowOf))
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

const slice = (table: string, id: string, place: string): string =>
  `SELECT ${id}, ${VALUES.join(', ')}, ${place} FROM ${table}
   WHERE trading_pair_id = ? AND time >= ? AND time < ? AND (time > ? OR ${place} > ?) ORDER BY time, ${place} LIMIT ?`
const COUNTED = slice('trades', 'id', 'id')
const NAMED = slice('named_trades', 'CONVERT(id USING utf8mb4)', 'sequence')
const LAST = `SELECT id, ${VALUES.join(', ')}, id FROM trades WHERE trading_pair_id = ? ORDER BY id DESC LIMIT 1`

// Each bound by itself is one step in the index by time.
const bound = (table: string, order: 'ASC' | 'DESC'): string =>
  `(SELECT time FROM ${table} WHERE trading_pair_id = trading_pairs.id ORDER BY time ${order} LIMIT 1)`
const TRADED = `SELECT exchanges.name, symbol, ${bound('trades', 'ASC')}, ${bound('named_trades', 'ASC')},
    ${bound('trades', 'DESC')}, ${bound('named_trades', 'DESC')}
  FROM trading_pairs JOIN exchanges ON exchanges.id = exchange_id ORDER BY trading_pairs.id`
type TradedRow = [string, string, number | null, number | null, number | null, number | null]

export function tradeReader(session: Session, names: Names): Pick<Store, 'trades' | 'lastTrade' | 'tradedMarkets'> {
  /** By time, then by `place`, a stretch at a time. */
  async function read(sql: string, market: number, { from, to }: Interval, limit: number): Promise<Row[]> {
    const found: Row[] = []
    const end = whole(Math.ceil(to))
    let after = { time: whole(Math.ceil(from)), place: Number.MIN_SAFE_INTEGER }
    while (found.length < limit) {
      const size = Math.min(SLICE, limit - found.length)
      const rows = await session.rows<Row>(sql, [market, after.time, end, after.time, after.place, size])
      for (const row of rows) found.push(row)
      if (rows.length < size) break
      const last = rows.at(-1)!
      after = { time: last[5], place: last[7] }
    }
    return found
  }

  return {
    async trades(of, range) {
      const market = await names.findMarket(session, of)
      if (market === undefined) return []
      const limit = range.limit ?? Infinity
      const [numbers, texts] = [await read(COUNTED, market, range, limit), await read(NAMED, market, range, limit)]
      numbers.sort((a, b) => a[7] - b[7])
      return [...numbers, ...texts].slice(0, limit).map((row) => tradeOf(of, row))
    },
    async lastTrade(of) {
      const market = await names.findMarket(session, of)
      const [row] = market === undefined ? [] : await session.rows<Row>(LAST, [market])
      return row && tradeOf(of, row)
    },
    async tradedMarkets(): Promise<TradedMarket[]> {
      const rows = await session.rows<TradedRow>(TRADED)
      return rows.flatMap(([exchange, symbol, ...bounds]) => {
        const times = bounds.filter((time) => time !== null)
        return times.length ? [{ exchange, symbol, first: Math.min(...times), last: Math.max(...times) }] : []
      })
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
