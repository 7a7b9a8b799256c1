import type { DatabaseSync } from 'node:sqlite'
import { JOB_STATES } from '../codes.ts'
import type { Op } from './pack.ts'
import { command, query } from './sql.ts'

const OVER = (['done', 'failed', 'cancelled'] as const).map((state) => JOB_STATES.indexOf(state)).join(',')

/** Deletes at most `limit` rows of what is too old, inside the caller's transaction; fewer mean that none are left. */
export function pruner(db: DatabaseSync): (op: Extract<Op, { kind: 'prune' }>) => number {
  const allMarkets = query<[number]>(db, 'SELECT id FROM markets')
  const oldTrades = [
    command(
      db,
      `DELETE FROM trades WHERE (market, id) IN
       (SELECT market, id FROM trades WHERE market = ? AND time < ? ORDER BY time LIMIT ?)`,
    ),
    command(
      db,
      `DELETE FROM named_trades WHERE sequence IN
       (SELECT sequence FROM named_trades WHERE market = ? AND time < ? ORDER BY time LIMIT ?)`,
    ),
  ]
  const revisions = command(
    db,
    'DELETE FROM superseded WHERE rowid IN (SELECT rowid FROM superseded WHERE until < ? LIMIT ?)',
  )
  const jobs = command(
    db,
    `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE updated_at < ? AND state IN (${OVER}) LIMIT ?)`,
  )

  function trades(before: number, limit: number): number {
    let deleted = 0
    for (const [market] of allMarkets()) {
      for (const some of oldTrades) {
        if (deleted < limit) deleted += some(market, before, limit - deleted)
      }
    }
    return deleted
  }

  const prunes = { trades, revisions, jobs }
  return ({ what, before, limit }) => prunes[what](before, limit)
}
