import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Candle } from '../../domain/candle.ts'
import { MAX_SECONDS } from '../check.ts'
import { SOURCES } from '../codes.ts'
import type { CandleRange, Revision, Series } from '../store.ts'
import type { GivenNames, KnownNames } from './names.ts'
import { CANDLE_WIDTH, type Op } from './pack.ts'
import { breathe, bulkInsert, command, query } from './sql.ts'

const COLUMNS = [
  'open',
  'high',
  'low',
  'close',
  'volume',
  'volume_rest',
  'quote_volume',
  'quote_volume_rest',
  'trades',
  'revision',
  'source',
]
/** Seconds take the lower 33 bits of a key. */
const SPAN = 2 ** 33

/**
 * A higher or equal revision replaces, and only where something differs: an unchanged row writes no page. A trigger
 * keeps the row that is replaced; `known_at` grows even where the clock does not, so that each has a time of its own.
 */
const GUARDED = `ON CONFLICT (id) DO UPDATE SET ${COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')},
  known_at = max(excluded.known_at, known_at + 1)
  WHERE excluded.revision >= revision AND (${COLUMNS.map((name) => `${name} <> excluded.${name}`).join(' OR ')})`

type Extent = { first: number; last: number; count: number }
/** Keys looked up by one statement. */
const LOOKUP = 50

/** Writes packed candles and keeps first, last and count of their series, inside the caller's transaction. */
export function candleWriter(db: DatabaseSync, names: GivenNames) {
  const insert = bulkInsert(db, 'candles', ['id', ...COLUMNS, 'known_at'], GUARDED)
  const loadExtent = query<[number, number, number]>(db, 'SELECT first, last, count FROM series WHERE id = ?')
  const saveExtent = command(db, 'UPDATE series SET first = ?, last = ?, count = ? WHERE id = ?')
  const existing = query<[number]>(db, `SELECT id FROM candles WHERE id IN (${Array(LOOKUP).fill('?').join(',')})`)
  const extents = new Map<number, Extent>()

  const extentOf = (series: number): Extent => {
    const known = extents.get(series)
    if (known) return known
    const [first, last, count] = loadExtent(series)[0]!
    const extent = { first, last, count }
    extents.set(series, extent)
    return extent
  }

  /** Calls `seen` with each of the keys that is a row already. */
  function forEachExisting(keys: readonly number[], seen: (key: number) => void): void {
    for (let at = 0; at < keys.length; at += LOOKUP) {
      const some = keys.slice(at, at + LOOKUP)
      // A key named twice is found once, so the last one fills the places left over.
      while (some.length < LOOKUP) some.push(some.at(-1)!)
      for (const [key] of existing(...some)) seen(key)
    }
  }

  /** Counts the rows that are new before they are written: an upsert does not tell new ones from changed ones. */
  function extend(keys: Float64Array, order: Uint32Array): void {
    const grown = new Map<number, Extent>()
    const doubtful: number[] = []
    let before = -1
    for (const index of order) {
      const key = keys[index]!
      if (key === before) continue
      before = key
      const series = Math.floor(key / SPAN)
      const seconds = key - series * SPAN
      const { first, last, count } = extentOf(series)
      // Only what lies within the known extent can exist.
      if (count > 0 && seconds >= first && seconds <= last) doubtful.push(key)
      const more = grown.get(series)
      if (more) {
        more.last = seconds
        more.count++
      } else grown.set(series, { first: seconds, last: seconds, count: 1 })
    }
    forEachExisting(doubtful, (key) => grown.get(Math.floor(key / SPAN))!.count--)
    for (const [series, more] of grown) if (more.count > 0) save(series, more)
  }

  function save(series: number, more: Extent): void {
    const known = extentOf(series)
    const first = known.count === 0 ? more.first : Math.min(known.first, more.first)
    const last = known.count === 0 ? more.last : Math.max(known.last, more.last)
    const count = known.count + more.count
    extents.set(series, { first, last, count })
    saveExtent(first, last, count, series)
  }

  return {
    write({ series, rows, knownAt }: Extract<Op, { kind: 'candles' }>): number {
      const bases = series.map((one) => names.series(one) * SPAN)
      const keys = new Float64Array(rows.length / CANDLE_WIDTH)
      for (let i = 0; i < keys.length; i++) keys[i] = bases[rows[i * CANDLE_WIDTH]!]! + rows[i * CANDLE_WIDTH + 1]!
      const order = ascending(keys)
      extend(keys, order)
      return insert(keys.length, (index: number, parameters: SQLInputValue[], at: number) => {
        const row = order[index]!
        parameters[at] = keys[row]!
        for (let c = 2; c < CANDLE_WIDTH; c++) parameters[at + c - 1] = rows[row * CANDLE_WIDTH + c]!
        parameters[at + CANDLE_WIDTH - 1] = knownAt
      })
    },
    forget: () => extents.clear(),
  }
}

/** Places of the keys in ascending order; equal keys stay as they came, so that the later one has the last word. */
function ascending(keys: Float64Array): Uint32Array {
  const order = Uint32Array.from(keys, (_, index) => index)
  for (let i = 1; i < keys.length; i++) {
    if (keys[i]! < keys[i - 1]!) return order.sort((a, b) => keys[a]! - keys[b]! || a - b)
  }
  return order
}

type Figures = [number, number, number, number, number, number, number, number, number, number, number, number]
type Row = [...Figures, knownAt: number]
/** Rows read at a stretch. */
const SLICE = 5_000

export function candleReader(db: DatabaseSync, names: KnownNames) {
  const select = `SELECT id, ${COLUMNS.join(', ')}, known_at FROM candles WHERE id BETWEEN ? AND ? ORDER BY id`
  const oldest = query<Row>(db, `${select} LIMIT ?`)
  const newest = query<Row>(db, `${select} DESC LIMIT ?`)
  const supersededAt = query<Row>(
    db,
    `SELECT id, ${COLUMNS.join(', ')}, known_at FROM superseded
     WHERE id BETWEEN ? AND ? AND known_at <= ? AND until > ?`,
  )
  // One statement, so that no commit comes between the old rows and the one that is valid now.
  const everSaid = query<Row>(
    db,
    `SELECT id, ${COLUMNS.join(', ')}, known_at FROM superseded WHERE id = ?1
     UNION ALL SELECT id, ${COLUMNS.join(', ')}, known_at FROM candles WHERE id = ?1 ORDER BY known_at`,
  )
  const allSeries = query<[string, string, string, number, number, number]>(
    db,
    `SELECT exchange, symbol, timeframe, first, last, count FROM series JOIN markets ON markets.id = market
     WHERE count > 0 ORDER BY exchange, symbol, series.id`,
  )

  /** What some neighbouring rows said at a time, in the same order; those not known yet are left out. */
  function asKnown(rows: readonly Row[], at: number): Row[] {
    if (rows.every((row) => row[12] <= at)) return [...rows]
    const [one, other] = [rows[0]![0], rows.at(-1)![0]]
    const before = new Map(supersededAt(Math.min(one, other), Math.max(one, other), at, at).map((row) => [row[0], row]))
    return rows.flatMap((row) => {
      const then = row[12] <= at ? row : before.get(row[0])
      return then ? [then] : []
    })
  }

  async function range(
    of: Series,
    { from = 0, to = Infinity, limit = Infinity, newest: back = false, asOf }: CandleRange,
  ) {
    const series = names.series(of)
    if (series === undefined) return []
    const base = series * SPAN
    let first = base + Math.max(0, Math.ceil(from / 1000))
    let last = base + Math.min(MAX_SECONDS, Math.floor(to / 1000))
    const found: Candle[] = []
    while (first <= last && found.length < limit) {
      // How many of the rows were known at a time cannot be told before.
      const size = asOf === undefined ? Math.min(SLICE, limit - found.length) : SLICE
      const rows = (back ? newest : oldest)(first, last, size)
      const kept = asOf === undefined ? rows : asKnown(rows, asOf)
      for (const row of kept.length > limit - found.length ? kept.slice(0, limit - found.length) : kept)
        found.push(candleOf(of, base, row))
      if (rows.length < size) break
      if (back) last = rows.at(-1)![0] - 1
      else first = rows.at(-1)![0] + 1
      if (found.length < limit) await breathe()
    }
    return back ? found.reverse() : found
  }

  function revisions(of: Series, time: number): Revision[] {
    const series = names.series(of)
    const seconds = time / 1000
    if (series === undefined || !Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) return []
    const base = series * SPAN
    return everSaid(base + seconds).map((row) => ({ candle: candleOf(of, base, row), knownAt: row[12] }))
  }

  return {
    range,
    revisions,
    series: () =>
      allSeries().map(([exchange, symbol, timeframe, first, last, count]) => ({
        exchange,
        symbol,
        timeframe,
        first: first * 1000,
        last: last * 1000,
        count,
      })),
  }
}

const candleOf = ({ exchange, symbol, timeframe }: Series, base: number, row: Row): Candle => ({
  exchange,
  symbol,
  timeframe,
  time: (row[0] - base) * 1000,
  open: row[1],
  high: row[2],
  low: row[3],
  close: row[4],
  volume: row[5],
  volumeRest: row[6],
  quoteVolume: row[7],
  quoteVolumeRest: row[8],
  trades: row[9],
  closed: true,
  revision: row[10],
  source: SOURCES[row[11]]!,
})
