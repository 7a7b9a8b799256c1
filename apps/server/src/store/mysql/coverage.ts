import type { Coverage, Interval } from '../../domain/coverage.ts'
import { clip, overlay, type Stated } from '../../domain/intervals.ts'
import { STATES } from '../codes.ts'
import type { Store } from '../store.ts'
import type { Names } from './names.ts'
import { bulkInsert, type Session, takeNew, whole } from './sql.ts'

/**
 * Every interval that overlaps or touches `[from, to]`, and at most one before it: intervals never overlap, so only
 * the last that starts earlier can reach in.
 */
const TOUCHING = `SELECT start, stop, state FROM coverage
  WHERE trading_pair_id = ? AND series = ? AND start <= ? AND start >= COALESCE(
    (SELECT MAX(start) FROM coverage AS earlier WHERE trading_pair_id = ? AND series = ? AND start < ?), ?)
  ORDER BY start`
const REMOVE = 'DELETE FROM coverage WHERE trading_pair_id = ? AND series = ? AND start = ?'
const save = bulkInsert(
  'coverage',
  ['trading_pair_id', 'series', 'start', 'stop', 'state'],
  `ON DUPLICATE KEY UPDATE ${takeNew(['stop', 'state'])}`,
)

async function touching(session: Session, market: number, series: string, { from, to }: Interval) {
  const values = [market, series, to, market, series, from, from]
  const rows = await session.rows<[start: number, stop: number, state: number]>(TOUCHING, values)
  return rows.map(([start, stop, state]): Stated<number> => ({ from: start, to: stop, state }))
}

/**
 * Lays intervals over those in the table, inside the caller's transaction. The caller holds the rows of their markets,
 * so that nobody else changes the same coverage meanwhile.
 */
export async function writeCoverage(session: Session, names: Names, intervals: readonly Coverage[]): Promise<void> {
  const groups = new Map<string, { market: number; series: string; later: Stated<number>[] }>()
  for (const { from, to, state, series, ...of } of intervals) {
    if (from >= to) continue
    const market = names.market(of)
    const key = `${market} ${series}`
    const group = groups.get(key) ?? { market, series, later: [] }
    groups.set(key, group)
    group.later.push({ from, to, state: STATES.indexOf(state) })
  }
  for (const { market, series, later } of groups.values()) await coverOne(session, market, series, later)
}

async function coverOne(session: Session, market: number, series: string, later: readonly Stated<number>[]) {
  const from = later.reduce((low, part) => Math.min(low, part.from), Infinity)
  const to = later.reduce((high, part) => Math.max(high, part.to), -Infinity)
  const before = await touching(session, market, series, { from, to })
  const after = overlay(before, later)
  const kept = new Set(after.map((part) => part.from))
  const known = new Map(before.map((part) => [part.from, part]))
  for (const part of before) if (!kept.has(part.from)) await session.run(REMOVE, [market, series, part.from])
  const changed = after.filter((part) => {
    const old = known.get(part.from)
    return old?.to !== part.to || old.state !== part.state
  })
  await save(
    session,
    changed.map((part) => [market, series, part.from, part.to, part.state]),
  )
}

export const coverageReader =
  (session: Session, names: Names): Store['coverage'] =>
  async ({ exchange, symbol }, series, range) => {
    const market = await names.findMarket(session, { exchange, symbol })
    if (market === undefined || range.from >= range.to) return []
    const bounds = { from: whole(range.from), to: whole(range.to) }
    return clip(await touching(session, market, series, bounds), range).map(({ from, to, state }) => ({
      exchange,
      symbol,
      series,
      from,
      to,
      state: STATES[state]!,
    }))
  }
