import type { DatabaseSync } from 'node:sqlite'
import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Interval } from '../../domain/coverage.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { MarketId } from '../../domain/market.ts'
import { DAY } from '../../domain/timeframe.ts'
import type { TradedMarket } from '../store.ts'
import type { GivenNames, KnownNames } from './names.ts'
import { command, query } from './sql.ts'

const COLUMNS = ['market', 'day', 'first_id', 'last_id', 'trades', 'rows', 'hash', 'computed_at', 'pruned']
const Id = Type.Union([Type.Number(), Type.String(), Type.Null()])

/** Writes ledger rows, inside the caller's transaction. */
export function ledgerWriter(db: DatabaseSync, names: GivenNames): (rows: readonly LedgerRow[]) => number {
  const save = command(db, `INSERT OR REPLACE INTO ledger (${COLUMNS.join(',')}) VALUES (${COLUMNS.map(() => '?')})`)
  return (rows) => {
    for (const row of rows) {
      const { day, firstId, lastId, trades, hash, computedAt, pruned } = row
      const ids = [firstId, lastId].map((id) => JSON.stringify(id ?? null))
      save(names.market(row), day / DAY, ...ids, trades, row.rows, hash, computedAt, pruned ? 1 : 0)
    }
    return rows.length
  }
}

type Row = [
  day: number,
  firstId: string,
  lastId: string,
  trades: number,
  rows: number,
  hash: string,
  computedAt: number,
  pruned: number,
]

export function ledgerReader(db: DatabaseSync, names: KnownNames) {
  const select = query<Row>(
    db,
    `SELECT ${COLUMNS.slice(1).join(', ')} FROM ledger WHERE market = ? AND day >= ? AND day < ? ORDER BY day`,
  )
  return (of: MarketId, { from, to }: Interval): LedgerRow[] => {
    const market = names.market(of)
    if (market === undefined) return []
    return select(market, Math.ceil(from / DAY), Math.ceil(to / DAY)).map((row) => rowOf(of, row))
  }
}

function rowOf({ exchange, symbol }: MarketId, row: Row): LedgerRow {
  const [day, firstId, lastId, trades, rows, hash, computedAt, pruned] = row
  const id = (json: string) => Value.Parse(Id, JSON.parse(json)) ?? undefined
  return {
    exchange,
    symbol,
    day: day * DAY,
    firstId: id(firstId),
    lastId: id(lastId),
    trades,
    rows,
    hash,
    computedAt,
    pruned: pruned === 1,
  }
}

/** The markets with stored trades, and the times of their first and last. */
export function tradedMarketReader(db: DatabaseSync): () => TradedMarket[] {
  const markets = query<[number, string, string]>(db, 'SELECT id, exchange, symbol FROM markets ORDER BY id')
  // Each bound by itself is one step in the index by time.
  const bounds = ['trades', 'named_trades'].flatMap((table) =>
    ['ASC', 'DESC'].map((order) =>
      query<[number]>(db, `SELECT time FROM ${table} WHERE market = ? ORDER BY time ${order} LIMIT 1`),
    ),
  )
  return () =>
    markets().flatMap(([id, exchange, symbol]) => {
      const times = bounds.flatMap((bound) => bound(id).map(([time]) => time))
      return times.length ? [{ exchange, symbol, first: Math.min(...times), last: Math.max(...times) }] : []
    })
}
