import { JOB_STATES } from '../codes.ts'
import { type Session, whole } from './sql.ts'

/** What is too old, at most `limit` rows of it. */
export interface PruneOp {
  readonly kind: 'prune'
  readonly what: 'trades' | 'revisions' | 'jobs'
  readonly before: number
  readonly limit: number
}

const OVER = (['done', 'failed', 'cancelled'] as const).map((state) => JOB_STATES.indexOf(state)).join(', ')
const REVISIONS = 'DELETE FROM superseded_candles WHERE until < ? ORDER BY until LIMIT ?'
const JOBS = `DELETE FROM backfill_jobs WHERE updated_at < ? AND state IN (${OVER}) ORDER BY updated_at LIMIT ?`

/**
 * Deletes at most `limit` rows of what is older than `before`, inside the caller's transaction; returns how many. Fewer
 * than `limit` mean that none are left.
 */
export async function prune(session: Session, { what, limit, ...op }: PruneOp): Promise<number> {
  const before = whole(Math.ceil(op.before))
  if (what === 'trades') return pruneTrades(session, before, limit)
  return session.run(what === 'revisions' ? REVISIONS : JOBS, [before, limit])
}

async function pruneTrades(session: Session, before: number, limit: number): Promise<number> {
  let deleted = 0
  for (const table of ['trades', 'named_trades']) {
    const old = `SELECT id FROM trading_pairs
      WHERE EXISTS (SELECT 1 FROM ${table} WHERE trading_pair_id = trading_pairs.id AND time < ?) ORDER BY id`
    for (const [market] of deleted < limit ? await session.rows<[number]>(old, [before]) : []) {
      if (deleted >= limit) break
      const sql = `DELETE FROM ${table} WHERE trading_pair_id = ? AND time < ? ORDER BY time LIMIT ?`
      deleted += await session.run(sql, [market, before, limit - deleted])
    }
  }
  return deleted
}
