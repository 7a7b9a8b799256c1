import type { DatabaseSync } from 'node:sqlite'
import type { Coverage, Interval } from '../../domain/coverage.ts'
import { clip, overlay, type Stated } from '../../domain/intervals.ts'
import type { MarketId } from '../../domain/market.ts'
import { STATES } from '../codes.ts'
import type { GivenNames, KnownNames } from './names.ts'
import { command, query } from './sql.ts'

type Row = [start: number, stop: number, state: number]

/**
 * Every interval that overlaps or touches `[from, to]`, and at most one before it: intervals never overlap, so only
 * the last that starts earlier can reach in.
 */
function touching(db: DatabaseSync) {
  const select = query<Row>(
    db,
    `SELECT start, stop, state FROM coverage WHERE market = ?1 AND series = ?2 AND start <= ?4 AND start >= coalesce(
       (SELECT max(start) FROM coverage WHERE market = ?1 AND series = ?2 AND start < ?3), ?3) ORDER BY start`,
  )
  return (market: number, series: string, { from, to }: Interval): Stated<number>[] =>
    select(market, series, from, to).map(([start, stop, state]) => ({ from: start, to: stop, state }))
}

/** Lays intervals over those in the table, inside the caller's transaction. */
export function coverageWriter(db: DatabaseSync, names: GivenNames) {
  const near = touching(db)
  const remove = command(db, 'DELETE FROM coverage WHERE market = ? AND series = ? AND start = ?')
  const save = command(
    db,
    `INSERT INTO coverage (market, series, start, stop, state) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET stop = excluded.stop, state = excluded.state
     WHERE stop <> excluded.stop OR state <> excluded.state`,
  )

  function coverOne(market: number, series: string, later: readonly Stated<number>[]): number {
    const from = later.reduce((low, part) => Math.min(low, part.from), Infinity)
    const to = later.reduce((high, part) => Math.max(high, part.to), -Infinity)
    const before = near(market, series, { from, to })
    const after = overlay(before, later)
    const kept = new Set(after.map((part) => part.from))
    let changed = 0
    for (const part of before) if (!kept.has(part.from)) changed += remove(market, series, part.from)
    for (const part of after) changed += save(market, series, part.from, part.to, part.state)
    return changed
  }

  return (intervals: readonly Coverage[]): number => {
    const groups = new Map<string, { market: number; series: string; later: Stated<number>[] }>()
    for (const { from, to, state, series, ...of } of intervals) {
      const market = names.market(of)
      const key = `${market} ${series}`
      const group = groups.get(key) ?? { market, series, later: [] }
      groups.set(key, group)
      if (from < to) group.later.push({ from, to, state: STATES.indexOf(state) })
    }
    let changed = 0
    for (const { market, series, later } of groups.values()) {
      if (later.length > 0) changed += coverOne(market, series, later)
    }
    return changed
  }
}

export function coverageReader(db: DatabaseSync, names: KnownNames) {
  const near = touching(db)
  return ({ exchange, symbol }: MarketId, series: string, range: Interval): Coverage[] => {
    const market = names.market({ exchange, symbol })
    if (market === undefined || range.from >= range.to) return []
    return clip(near(market, series, range), range).map(({ from, to, state }) => ({
      exchange,
      symbol,
      series,
      from,
      to,
      state: STATES[state]!,
    }))
  }
}
