import type { Coverage, CoverageState, Interval } from '../../domain/coverage.ts'
import { clip, overlay, type Stated } from '../../domain/intervals.ts'
import type { MarketId } from '../../domain/market.ts'
import { STATES } from '../codes.ts'
import { column, INT4, INT8, textColumn } from './binary.ts'
import type { Database, Parameter, Session } from './database.ts'
import type { Names } from './names.ts'
import { whole } from './time.ts'

/** Some intervals of one series, and what they span. */
interface Group extends Interval {
  readonly market: number
  readonly series: string
  readonly later: readonly Stated<CoverageState>[]
}
interface Place extends Stated<CoverageState> {
  readonly market: number
  readonly series: string
}
type Row = [market: string, series: string, start: string, stop: string, state: string]

/**
 * For each group every interval that overlaps or touches `[from, to]`, and at most one before it: intervals never
 * overlap, so only the last that starts earlier can reach in.
 */
const TOUCHING = `SELECT c.market, c.series, c.start, c.stop, c.state
  FROM unnest($1::int4[], $2::text[], $3::int8[], $4::int8[]) AS b (market, series, start, stop)
  CROSS JOIN LATERAL (
    SELECT * FROM candlewire.coverage c WHERE c.market = b.market AND c.series = b.series AND c.start <= b.stop
      AND c.start >= coalesce((
        SELECT max(start) FROM candlewire.coverage e
        WHERE e.market = b.market AND e.series = b.series AND e.start < b.start
      ), b.start)
  ) c ORDER BY c.market, c.series, c.start`
const REMOVE = `DELETE FROM candlewire.coverage c USING unnest($1::int4[], $2::text[], $3::int8[])
  AS b (market, series, start) WHERE c.market = b.market AND c.series = b.series AND c.start = b.start`
const SAVE = `INSERT INTO candlewire.coverage AS c (market, series, start, stop, state)
  SELECT * FROM unnest($1::int4[], $2::text[], $3::int8[], $4::int8[], $5::text[])
  ON CONFLICT (market, series, start) DO UPDATE SET stop = excluded.stop, state = excluded.state
  WHERE c.stop <> excluded.stop OR c.state <> excluded.state`

const keyOf = (market: number, series: string): string => `${market} ${series}`

async function touching(session: Session, groups: readonly Group[]): Promise<Map<string, Place[]>> {
  const rows = await session.query<Row>(TOUCHING, [
    column(INT4, groups, ({ market }) => market),
    textColumn(groups, ({ series }) => series),
    column(INT8, groups, ({ from }) => from),
    column(INT8, groups, ({ to }) => to),
  ])
  const found = new Map<string, Place[]>()
  for (const [number, series, start, stop, name] of rows) {
    const state = STATES.find((one) => one === name)
    if (!state) throw new Error(`coverage has no state ${name}`)
    const place = { market: Number(number), series, from: Number(start), to: Number(stop), state }
    const key = keyOf(place.market, series)
    const known = found.get(key)
    if (known) known.push(place)
    else found.set(key, [place])
  }
  return found
}

/**
 * Lays intervals over those in the table, within the caller's transaction. The caller holds the rows of their markets,
 * so that nobody else changes the same coverage meanwhile.
 */
export function coverageWriter(names: Names) {
  return async (session: Session, intervals: readonly Coverage[]): Promise<void> => {
    const groups = grouped(intervals, names)
    if (groups.length === 0) return
    const known = await touching(session, groups)
    const gone: Place[] = []
    const put: Place[] = []
    for (const { market, series, later } of groups) {
      const before = known.get(keyOf(market, series)) ?? []
      const after = overlay<CoverageState>(before, later)
      const kept = new Set(after.map(({ from }) => from))
      gone.push(...before.filter(({ from }) => !kept.has(from)))
      for (const { from, to, state } of after) put.push({ market, series, from, to, state })
    }
    if (gone.length > 0) await session.query(REMOVE, placesOf(gone))
    const ends = column(INT8, put, ({ to }) => to)
    await session.query(SAVE, [...placesOf(put), ends, textColumn(put, ({ state }) => state)])
  }
}

const placesOf = (places: readonly Place[]): Parameter[] => [
  column(INT4, places, ({ market }) => market),
  textColumn(places, ({ series }) => series),
  column(INT8, places, ({ from }) => from),
]

function grouped(intervals: readonly Coverage[], names: Names): Group[] {
  const groups = new Map<string, { market: number; series: string; later: Stated<CoverageState>[] }>()
  for (const { from, to, state, series, ...of } of intervals) {
    if (from >= to) continue
    const market = names.market(of)
    const group = groups.get(keyOf(market, series)) ?? { market, series, later: [] }
    groups.set(keyOf(market, series), group)
    group.later.push({ from, to, state })
  }
  return [...groups.values()].map((group) => ({
    ...group,
    from: group.later.reduce((low, part) => Math.min(low, part.from), Infinity),
    to: group.later.reduce((high, part) => Math.max(high, part.to), -Infinity),
  }))
}

export function coverageReader(database: Database, names: Names) {
  return async ({ exchange, symbol }: MarketId, series: string, { from, to }: Interval): Promise<Coverage[]> => {
    const market = await names.knownMarket({ exchange, symbol })
    if (market === undefined || !(from < to)) return []
    const range = { from: whole(from), to: whole(to) }
    const found = await touching(database, [{ market, series, later: [], ...range }])
    return clip(found.get(keyOf(market, series)) ?? [], { from, to }).map((part) => ({
      exchange,
      symbol,
      series,
      from: part.from,
      to: part.to,
      state: part.state,
    }))
  }
}
