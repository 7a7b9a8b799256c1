import Type from 'typebox'
import { Value } from 'typebox/value'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { MarketId } from '../../domain/market.ts'
import { DAY } from '../../domain/timeframe.ts'
import type { Store } from '../store.ts'
import type { Names } from './names.ts'
import { bulkInsert, type Session, takeNew } from './sql.ts'

const FIGURES = ['first_id', 'last_id', 'trades', 'stored_rows', 'hash', 'computed_at', 'pruned']
const Id = Type.Union([Type.Number(), Type.String(), Type.Null()])
const save = bulkInsert('ledger', ['trading_pair_id', 'day', ...FIGURES], `ON DUPLICATE KEY UPDATE ${takeNew(FIGURES)}`)
const SELECT = `SELECT day, ${FIGURES.join(', ')} FROM ledger
  WHERE trading_pair_id = ? AND day >= ? AND day < ? ORDER BY day`

/** Writes ledger rows, inside the caller's transaction. */
export const writeLedger = (session: Session, names: Names, rows: readonly LedgerRow[]): Promise<void> =>
  save(
    session,
    rows.map((row) => {
      const [first, last] = [row.firstId, row.lastId].map((id) => JSON.stringify(id ?? null))
      const { day, trades, hash, computedAt, pruned } = row
      return [names.market(row), day / DAY, first!, last!, trades, row.rows, hash, computedAt, pruned ? 1 : 0]
    }),
  )

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

export const ledgerReader =
  (session: Session, names: Names): Store['ledger'] =>
  async (of, { from, to }) => {
    const market = await names.findMarket(session, of)
    if (market === undefined) return []
    const rows = await session.rows<Row>(SELECT, [market, Math.ceil(from / DAY), Math.ceil(to / DAY)])
    return rows.map((row) => rowOf(of, row))
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
