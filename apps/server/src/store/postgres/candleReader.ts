import type { Candle } from '../../domain/candle.ts'
import { roughMs, timeframe } from '../../domain/timeframe.ts'
import { MAX_SECONDS } from '../check.ts'
import { SOURCES } from '../codes.ts'
import type { CandleRange, Revision, Series } from '../store.ts'
import { NAMES } from './candleColumns.ts'
import type { Database } from './database.ts'
import type { Names } from './names.ts'
import { epoch, msOf, timeText } from './time.ts'

type Row = string[]
/** Places of the columns in a row, `series` and `time` before them. */
const [TIME, OPEN, KNOWN_AT] = [0, 1, 12]
const VALUES = `${epoch('time')}, ${NAMES.slice(2).join(', ')}`
/** Rows read at a stretch. */
const SLICE = 5_000

const select = (order: 'ASC' | 'DESC') =>
  `SELECT ${VALUES} FROM candlewire.candles WHERE series = $1 AND time BETWEEN $2 AND $3 ORDER BY time ${order} LIMIT $4`
const OLDEST = select('ASC')
const NEWEST = select('DESC')
const SUPERSEDED = `SELECT ${VALUES} FROM candlewire.superseded
  WHERE series = $1 AND time BETWEEN $2 AND $3 AND known_at <= $4 AND until > $4`
// One statement, so that no commit comes between the old rows and the one that is valid now.
const EVER_SAID = `SELECT ${VALUES} FROM candlewire.superseded WHERE series = $1 AND time = $2
  UNION ALL SELECT ${VALUES} FROM candlewire.candles WHERE series = $1 AND time = $2 ORDER BY known_at`
const EXTENT = `SELECT ${epoch('first')}, ${epoch('last')} FROM candlewire.series WHERE id = $1 AND count > 0`
const ALL_SERIES = `SELECT exchange, symbol, timeframe, ${epoch('first')}, ${epoch('last')}, count
  FROM candlewire.series s JOIN candlewire.markets m ON m.id = s.market
  WHERE count > 0 ORDER BY exchange COLLATE "C", symbol COLLATE "C", s.id`

export function candleReader(database: Database, names: Names) {
  /** What some neighbouring rows said at a time, in the same order; those not known yet are left out. */
  async function asKnown(series: number, rows: readonly Row[], at: number): Promise<Row[]> {
    if (rows.every((row) => Number(row[KNOWN_AT]) <= at)) return [...rows]
    const [one, other] = [msOf(rows[0]![TIME]!), msOf(rows.at(-1)![TIME]!)]
    const bounds = [timeText(Math.min(one, other)), timeText(Math.max(one, other))]
    const then = await database.query<Row>(SUPERSEDED, [series, ...bounds, Math.floor(at)])
    const before = new Map(then.map((row) => [row[TIME], row]))
    return rows.flatMap((row) => {
      const said = Number(row[KNOWN_AT]) <= at ? row : before.get(row[TIME])
      return said ? [said] : []
    })
  }

  /**
   * Reads a window of time after the other, so that the server touches few tables; a window that gave fewer rows than
   * asked for is followed by a wider one.
   */
  async function range(
    of: Series,
    { from = 0, to = Infinity, limit = Infinity, newest: back = false, asOf }: CandleRange,
  ): Promise<Candle[]> {
    const series = await names.knownSeries(of)
    const [extent] = series === undefined ? [] : await database.query(EXTENT, [series])
    if (series === undefined || !extent) return []
    let first = Math.max(msOf(extent[0]!), Math.ceil(from / 1000) * 1000)
    let last = Math.min(msOf(extent[1]!), Math.floor(to / 1000) * 1000)
    const found: Candle[] = []
    let span = 2 * Math.min(SLICE, Math.max(limit, 100)) * roughMs(timeframe(of.timeframe))
    while (first <= last && found.length < limit) {
      // How many of the rows were known at a time cannot be told before.
      const size = asOf === undefined ? Math.min(SLICE, limit - found.length) : SLICE
      const window = back ? [Math.max(first, last - span), last] : [first, Math.min(last, first + span)]
      const [start, end] = [window[0]!, window[1]!]
      const rows = await database.query<Row>(back ? NEWEST : OLDEST, [series, timeText(start), timeText(end), size])
      const kept = asOf === undefined || rows.length === 0 ? rows : await asKnown(series, rows, asOf)
      for (const row of kept.slice(0, limit - found.length)) found.push(candleOf(of, row))
      const whole = rows.length < size
      if (back) last = (whole ? start : msOf(rows.at(-1)![TIME]!)) - 1000
      else first = (whole ? end : msOf(rows.at(-1)![TIME]!)) + 1000
      if (whole) span *= 8
    }
    return back ? found.reverse() : found
  }

  async function revisions(of: Series, time: number): Promise<Revision[]> {
    const seconds = time / 1000
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) return []
    const series = await names.knownSeries(of)
    if (series === undefined) return []
    const rows = await database.query<Row>(EVER_SAID, [series, timeText(time)])
    return rows.map((row) => ({ candle: candleOf(of, row), knownAt: Number(row[KNOWN_AT]) }))
  }

  async function all(): Promise<(Series & { first: number; last: number; count: number })[]> {
    const rows = await database.query<[string, string, string, string, string, string]>(ALL_SERIES)
    return rows.map(([exchange, symbol, timeframe, first, last, count]) => ({
      exchange,
      symbol,
      timeframe,
      first: msOf(first),
      last: msOf(last),
      count: Number(count),
    }))
  }

  return { range, revisions, series: all }
}

function candleOf({ exchange, symbol, timeframe }: Series, row: Row): Candle {
  const figure = (place: number) => Number(row[OPEN + place])
  return {
    exchange,
    symbol,
    timeframe,
    time: msOf(row[TIME]!),
    open: figure(0),
    high: figure(1),
    low: figure(2),
    close: figure(3),
    volume: figure(4),
    volumeRest: figure(5),
    quoteVolume: figure(6),
    quoteVolumeRest: figure(7),
    trades: figure(8),
    closed: true,
    revision: figure(9),
    source: SOURCES[figure(10)]!,
  }
}
