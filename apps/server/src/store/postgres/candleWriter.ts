import { column, copyContent, INT4, INT8, TIMESTAMP } from './binary.ts'
import { FIELDS, NAMES, type NumberedCandle } from './candleColumns.ts'
import type { Database, Session } from './database.ts'
import type { KnownCandle } from './lane.ts'
import type { Names } from './names.ts'
import { epoch, msOf, whole } from './time.ts'

export interface WriteSizes {
  /** Rows of one statement at most. */
  readonly statement: number
  /** From this many rows on what can't be there yet goes in by COPY. */
  readonly copy: number
}

interface Extent {
  readonly series: number
  readonly first: number
  readonly last: number
  readonly count: number
}

const PUT = `SELECT candlewire.put_candles(${NAMES.map((_, index) => `$${index + 1}`)})`
const COPY = `COPY candlewire.candles (${NAMES}) FROM STDIN (FORMAT binary)`
const EXTENTS = `SELECT id, ${epoch('first')}, ${epoch('last')} FROM candlewire.series
  WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE`
const EXTEND = `UPDATE candlewire.series s SET
    first = least(s.first, b.first), last = greatest(s.last, b.last), count = s.count + b.count
  FROM unnest($1::int4[], $2::timestamptz[], $3::timestamptz[], $4::int8[]) AS b (series, first, last, count)
  WHERE s.id = b.series`
const PRUNE = `WITH gone AS (DELETE FROM candlewire.superseded WHERE until < $1 RETURNING series)
  SELECT count(*) FROM gone`

/**
 * Upserts candles within the caller's transaction. A long list that lies outside of what its series hold (new minutes,
 * a backfill of years) goes straight into the table: nothing can be in its way.
 */
export function candleWriter(names: Names, sizes: WriteSizes) {
  async function isApart(session: Session, extents: readonly Extent[]): Promise<boolean> {
    const ids = column(INT4, extents, ({ series }) => series)
    const rows = await session.query<[string, string | null, string | null]>(EXTENTS, [ids])
    const known = new Map(rows.map(([id, first, last]) => [Number(id), [first, last] as const]))
    return extents.every(({ series, first, last }) => {
      const [from, to] = known.get(series) ?? [null, null]
      return from === null || to === null || first > msOf(to) || last < msOf(from)
    })
  }

  async function copy(session: Session, list: readonly NumberedCandle[], extents: readonly Extent[]): Promise<void> {
    await session.copy(COPY, copyContent(FIELDS, list))
    await session.query(EXTEND, [
      column(INT4, extents, ({ series }) => series),
      column(TIMESTAMP, extents, ({ first }) => first),
      column(TIMESTAMP, extents, ({ last }) => last),
      column(INT8, extents, ({ count }) => count),
    ])
  }

  return async (session: Session, candles: readonly KnownCandle[]): Promise<void> => {
    const rounds = withoutTwins(ordered(candles, names))
    const [first, ...more] = rounds
    if (first && more.length === 0 && first.length >= sizes.copy) {
      const extents = extentsOf(first)
      if (await isApart(session, extents)) return copy(session, first, extents)
    }
    for (const round of rounds) {
      for (let at = 0; at < round.length; at += sizes.statement) {
        const slice = round.slice(at, at + sizes.statement)
        await session.query(
          PUT,
          FIELDS.map(([kind, value]) => column(kind, slice, value)),
        )
      }
    }
  }
}

/** Deletes what candles said until they were replaced before `before`, ms; returns how many such revisions. */
export async function pruneRevisions(database: Database, before: number): Promise<number> {
  const [row] = await database.transaction((session) => session.query(PRUNE, [whole(before)]), { unhurried: true })
  return Number(row?.[0])
}

/** By series and time, so that all writers lock in one order; what is put twice stays in the order of the calls. */
function ordered(candles: readonly KnownCandle[], names: Names): NumberedCandle[] {
  const list = candles.map(({ candle, knownAt }) => ({ candle, knownAt, series: names.series(candle) }))
  return list.sort((a, b) => a.series - b.series || a.candle.time - b.candle.time)
}

/** One statement may name a candle once: the second words of those named twice follow in a second round, and so on. */
function withoutTwins(list: readonly NumberedCandle[]): NumberedCandle[][] {
  const rounds: NumberedCandle[][] = []
  let turn = 0
  let before: NumberedCandle | undefined
  for (const one of list) {
    turn = before?.series === one.series && before.candle.time === one.candle.time ? turn + 1 : 0
    before = one
    rounds[turn] ??= []
    rounds[turn]!.push(one)
  }
  return rounds
}

function extentsOf(ascending: readonly NumberedCandle[]): Extent[] {
  const extents: Extent[] = []
  for (const { series, candle } of ascending) {
    const known = extents.at(-1)
    if (known?.series !== series) extents.push({ series, first: candle.time, last: candle.time, count: 1 })
    else extents[extents.length - 1] = { ...known, last: candle.time, count: known.count + 1 }
  }
  return extents
}
