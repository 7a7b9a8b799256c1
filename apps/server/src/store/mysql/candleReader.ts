import type { Candle } from '../../domain/candle.ts'
import { MAX_SECONDS } from '../check.ts'
import type { CandleRange, Revision, Series, Store } from '../store.ts'
import { CANDLE_COLUMNS, type CandleRow, knownOf } from './candleRows.ts'
import { type Names, SPAN } from './names.ts'
import type { Session } from './sql.ts'

/** Rows read at a stretch. */
const SLICE = 5_000

const OLDEST = `SELECT ${CANDLE_COLUMNS} FROM candles WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?`
const NEWEST = `SELECT ${CANDLE_COLUMNS} FROM candles WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?`
const SUPERSEDED = `SELECT ${CANDLE_COLUMNS} FROM superseded_candles
  WHERE id BETWEEN ? AND ? AND known_at <= ? AND until > ?`
// One statement, so that no commit comes between the old rows and the one that is valid now.
const EVER_SAID = `SELECT ${CANDLE_COLUMNS} FROM superseded_candles WHERE id = ?
  UNION ALL SELECT ${CANDLE_COLUMNS} FROM candles WHERE id = ? ORDER BY known_at`
const ALL_SERIES = `SELECT exchanges.name, symbol, timeframe, first_open, last_open, candle_count
  FROM series JOIN trading_pairs ON trading_pairs.id = trading_pair_id JOIN exchanges ON exchanges.id = exchange_id
  WHERE candle_count > 0 ORDER BY exchanges.name, symbol, series.id`

export function candleReader(session: Session, names: Names): Pick<Store, 'candles' | 'revisions' | 'series'> {
  /** What some neighbouring rows said at a time, in the same order; those not known yet are left out. */
  async function asKnown(rows: CandleRow[], at: number): Promise<CandleRow[]> {
    if (rows.every((row) => row[12] <= at)) return rows
    const [one, other] = [rows[0]![0], rows.at(-1)![0]]
    const bounds = [Math.min(one, other), Math.max(one, other), at, at]
    const before = new Map((await session.rows<CandleRow>(SUPERSEDED, bounds)).map((row) => [row[0], row]))
    return rows.flatMap((row) => {
      const then = row[12] <= at ? row : before.get(row[0])
      return then ? [then] : []
    })
  }

  async function candles(of: Series, range: CandleRange): Promise<Candle[]> {
    const { from = 0, to = Infinity, limit = Infinity, newest: back = false, asOf } = range
    const series = await names.findSeries(session, of)
    if (series === undefined) return []
    let first = series * SPAN + Math.max(0, Math.ceil(from / 1000))
    let last = series * SPAN + Math.min(MAX_SECONDS, Math.floor(to / 1000))
    const found: Candle[] = []
    while (first <= last && found.length < limit) {
      // How many of the rows were known at a time cannot be told before.
      const size = asOf === undefined ? Math.min(SLICE, limit - found.length) : SLICE
      const rows = await session.rows<CandleRow>(back ? NEWEST : OLDEST, [first, last, size])
      const kept = asOf === undefined ? rows : await asKnown(rows, asOf)
      for (const row of kept.slice(0, limit - found.length)) found.push(knownOf(of, row).candle)
      if (rows.length < size) break
      if (back) last = rows.at(-1)![0] - 1
      else first = rows.at(-1)![0] + 1
    }
    return back ? found.reverse() : found
  }

  return {
    candles,
    async revisions(of, time): Promise<Revision[]> {
      const seconds = time / 1000
      if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) return []
      const series = await names.findSeries(session, of)
      if (series === undefined) return []
      const key = series * SPAN + seconds
      return (await session.rows<CandleRow>(EVER_SAID, [key, key])).map((row) => knownOf(of, row))
    },
    async series() {
      const rows = await session.rows<[string, string, string, number, number, number]>(ALL_SERIES)
      return rows.map(([exchange, symbol, timeframe, first, last, count]) => ({
        exchange,
        symbol,
        timeframe,
        first: first * 1000,
        last: last * 1000,
        count,
      }))
    },
  }
}
