import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Interval } from '../../domain/coverage.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import { type MarketId, marketKey } from '../../domain/market.ts'
import { column, INT4, INT8, TIMESTAMP, textColumn } from './binary.ts'
import type { Database, Session } from './database.ts'
import type { Names } from './names.ts'
import { epoch, msOf, timeText } from './time.ts'

const VALUES = ['first_id', 'last_id', 'trades', 'rows', 'hash', 'computed_at', 'pruned']
const Id = Type.Union([Type.Number(), Type.String(), Type.Null()])
type Row = [
  day: string,
  firstId: string,
  lastId: string,
  trades: string,
  rows: string,
  hash: string,
  at: string,
  pruned: string,
]

const SAVE = `INSERT INTO candlewire.ledger (market, day, ${VALUES})
  SELECT * FROM unnest(
    $1::int4[], $2::timestamptz[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::text[], $8::int8[], $9::bool[]
  )
  ON CONFLICT (market, day) DO UPDATE SET ${VALUES.map((name) => `${name} = excluded.${name}`)}`
const READ = `SELECT ${epoch('day')}, ${VALUES} FROM candlewire.ledger
  WHERE market = $1 AND day >= $2 AND day < $3 ORDER BY day`

/** Replaces rows, within the caller's transaction. */
export function ledgerWriter(names: Names) {
  return async (session: Session, list: readonly LedgerRow[]): Promise<void> => {
    const rows = [...new Map(list.map((row) => [`${marketKey(row)} ${row.day}`, row])).values()]
    const json = (id: LedgerRow['firstId']) => JSON.stringify(id ?? null)
    await session.query(SAVE, [
      column(INT4, rows, names.market),
      column(TIMESTAMP, rows, ({ day }) => day),
      textColumn(rows, ({ firstId }) => json(firstId)),
      textColumn(rows, ({ lastId }) => json(lastId)),
      column(INT8, rows, ({ trades }) => trades),
      column(INT8, rows, (row) => row.rows),
      textColumn(rows, ({ hash }) => hash),
      column(INT8, rows, ({ computedAt }) => computedAt),
      `{${rows.map(({ pruned }) => pruned)}}`,
    ])
  }
}

export function ledgerReader(database: Database, names: Names) {
  return async (of: MarketId, { from, to }: Interval): Promise<LedgerRow[]> => {
    const market = await names.knownMarket(of)
    if (market === undefined) return []
    const rows = await database.query<Row>(READ, [market, timeText(Math.ceil(from)), timeText(Math.ceil(to))])
    return rows.map((row) => rowOf(of, row))
  }
}

function rowOf({ exchange, symbol }: MarketId, row: Row): LedgerRow {
  const [day, firstId, lastId, trades, rows, hash, computedAt, pruned] = row
  const id = (json: string) => Value.Parse(Id, JSON.parse(json)) ?? undefined
  return {
    exchange,
    symbol,
    day: msOf(day),
    firstId: id(firstId),
    lastId: id(lastId),
    trades: Number(trades),
    rows: Number(rows),
    hash,
    computedAt: Number(computedAt),
    pruned: pruned === 't',
  }
}
