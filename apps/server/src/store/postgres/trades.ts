import type { Interval } from '../../domain/coverage.ts'
import type { MarketId } from '../../domain/market.ts'
import { marketKey } from '../../domain/market.ts'
import { DAY } from '../../domain/timeframe.ts'
import type { Trade } from '../../domain/trade.ts'
import { SIDES } from '../codes.ts'
import type { TradedMarket } from '../store.ts'
import { column, FLOAT8, INT2, INT4, INT8, TIMESTAMP, textColumn } from './binary.ts'
import type { Database, Parameter, Session } from './database.ts'
import type { Names } from './names.ts'
import { epoch, msOf, timeText } from './time.ts'

const VALUES = ['count', 'price', 'quantity', 'side', 'time', 'received']
const TYPES = ['int8', 'float8', 'float8', 'int2', 'timestamptz', 'float8']

/**
 * A trade that is there stays, also when it comes again with another time (within a day), which no index over time can
 * tell. OFFSET keeps it a look into the index for each row.
 */
const insert = (table: string, idType: string) =>
  `INSERT INTO candlewire.${table} (market, id, ${VALUES})
   SELECT market, id, ${VALUES} FROM unnest(
     ${['int4', idType, ...TYPES].map((type, index) => `$${index + 1}::${type}[]`)}
   ) WITH ORDINALITY AS b (market, id, ${VALUES}, place)
   WHERE NOT EXISTS (
     SELECT FROM candlewire.${table} t
     WHERE t.market = b.market AND t.id = b.id AND t.time BETWEEN $9 AND $10 OFFSET 0
   )
   ORDER BY place ON CONFLICT DO NOTHING`
const INSERT_COUNTED = insert('trades', 'int8')
const INSERT_NAMED = insert('named_trades', 'text')

/** Adds trades within the caller's transaction, at most `rows` of them with one statement. */
export function tradeWriter(names: Names, rows: number) {
  async function write(
    session: Session,
    sql: string,
    trades: readonly Trade[],
    ids: (some: readonly Trade[]) => Buffer,
  ) {
    for (let at = 0; at < trades.length; at += rows) {
      const some = trades.slice(at, at + rows)
      await session.query(sql, [column(INT4, some, names.market), ids(some), ...valuesOf(some), ...around(some)])
    }
  }
  return async (session: Session, list: readonly Trade[]): Promise<void> => {
    const trades = firsts(list)
    const counted = trades.filter(({ id }) => typeof id === 'number')
    const named = trades.filter(({ id }) => typeof id === 'string')
    await write(session, INSERT_COUNTED, counted, (some) => column(INT8, some, ({ id }) => Number(id)))
    await write(session, INSERT_NAMED, named, (some) => textColumn(some, ({ id }) => String(id)))
  }
}

const valuesOf = (trades: readonly Trade[]): Parameter[] => [
  column(INT8, trades, ({ count }) => count),
  column(FLOAT8, trades, ({ price }) => price),
  column(FLOAT8, trades, ({ quantity }) => quantity),
  column(INT2, trades, ({ side }) => SIDES.indexOf(side)),
  column(TIMESTAMP, trades, ({ time }) => time),
  column(FLOAT8, trades, ({ received }) => received),
]

/** A day more than the trades span, on either side. */
function around(trades: readonly Trade[]): Parameter[] {
  const earliest = trades.reduce((low, { time }) => Math.min(low, time), Infinity)
  const latest = trades.reduce((high, { time }) => Math.max(high, time), -Infinity)
  return [timeText(earliest - DAY), timeText(latest + DAY)]
}

/** The first of each id. */
function firsts(trades: readonly Trade[]): Trade[] {
  const seen = new Map<string, Set<number | string>>()
  return trades.filter((trade) => {
    const key = marketKey(trade)
    const ids = seen.get(key) ?? new Set()
    seen.set(key, ids)
    return ids.size < ids.add(trade.id).size
  })
}

type Row = [
  id: string,
  count: string,
  price: string,
  quantity: string,
  side: string,
  time: string,
  received: string,
  place: string,
]
const [TIME, PLACE] = [5, 7]
/** Rows read at a stretch. */
const SLICE = 5_000
const READ = ['id', ...VALUES.map((name) => (name === 'time' ? epoch(name) : name))].join(', ')

const stretch = (table: string, place: string) =>
  `SELECT ${READ}, ${place} FROM candlewire.${table}
   WHERE market = $1 AND time >= $2 AND (time, ${place}) > ($2, $3) AND time < $4 ORDER BY time, ${place} LIMIT $5`
const COUNTED = stretch('trades', 'id')
const NAMED = stretch('named_trades', 'sequence')
const LAST = `SELECT ${READ}, id FROM candlewire.trades WHERE market = $1 ORDER BY id DESC LIMIT 1`

/** Each bound by itself is one step in the index by time. */
const bound = (table: string, order: string) =>
  `(SELECT time FROM candlewire.${table} t WHERE t.market = m.id ORDER BY time ${order} LIMIT 1)`
const TRADED = `SELECT exchange, symbol, ${epoch('first')}, ${epoch('last')} FROM (
    SELECT id, exchange, symbol, least(${bound('trades', 'ASC')}, ${bound('named_trades', 'ASC')}) AS first,
      greatest(${bound('trades', 'DESC')}, ${bound('named_trades', 'DESC')}) AS last FROM candlewire.markets m
  ) bounds WHERE first IS NOT NULL ORDER BY id`

export function tradeReader(database: Database, names: Names) {
  /** By time, then by `place`, a stretch at a time. */
  async function read(sql: string, market: number, { from, to }: Interval, limit: number): Promise<Row[]> {
    const found: Row[] = []
    let after = [timeText(Math.ceil(from)), String(Number.MIN_SAFE_INTEGER)]
    while (found.length < limit) {
      const size = Math.min(SLICE, limit - found.length)
      const rows = await database.query<Row>(sql, [market, ...after, timeText(Math.ceil(to)), size])
      for (const row of rows) found.push(row)
      if (rows.length < size) break
      const end = rows.at(-1)!
      after = [timeText(msOf(end[TIME]!)), end[PLACE]!]
    }
    return found
  }

  return {
    async range(of: MarketId, range: Interval & { limit?: number }): Promise<Trade[]> {
      const market = await names.knownMarket(of)
      if (market === undefined) return []
      const limit = range.limit ?? Infinity
      const counted = (await read(COUNTED, market, range, limit)).map((row) => tradeOf(of, row, Number(row[0])))
      const named = (await read(NAMED, market, range, limit)).map((row) => tradeOf(of, row, row[0]))
      counted.sort((a, b) => Number(a.id) - Number(b.id))
      return [...counted, ...named].slice(0, limit)
    },
    async last(of: MarketId): Promise<Trade | undefined> {
      const market = await names.knownMarket(of)
      const [row] = market === undefined ? [] : await database.query<Row>(LAST, [market])
      return row && tradeOf(of, row, Number(row[0]))
    },
    async markets(): Promise<TradedMarket[]> {
      const rows = await database.query<[string, string, string, string]>(TRADED)
      return rows.map(([exchange, symbol, first, last]) => ({ exchange, symbol, first: msOf(first), last: msOf(last) }))
    },
  }
}

const tradeOf = ({ exchange, symbol }: MarketId, row: Row, id: number | string): Trade => ({
  type: 'trade',
  exchange,
  symbol,
  id,
  count: Number(row[1]),
  price: Number(row[2]),
  quantity: Number(row[3]),
  side: SIDES[Number(row[4])]!,
  time: msOf(row[5]),
  received: Number(row[6]),
})

/** Deletes what is older than `before`, whole tables where they can go as such; returns how many trades it were. */
export async function pruneTrades(database: Database, before: number): Promise<number> {
  let deleted = 0
  for (const table of ['trades', 'named_trades']) {
    const work = (session: Session) =>
      session.query('SELECT candlewire.prune_trades($1, $2)', [table, timeText(Math.ceil(before))])
    const [row] = await database.transaction(work, { unhurried: true })
    deleted += Number(row?.[0])
  }
  return deleted
}
