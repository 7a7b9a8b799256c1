import { type Candle, seriesKey } from '../../domain/candle.ts'
import type { Series } from '../store.ts'
import { CANDLE_COLUMNS, type CandleRow, FIGURES, figuresOf, knownOf } from './candleRows.ts'
import { type Folded, foldCandles, type Known } from './fold.ts'
import { saveHistory } from './laravel.ts'
import { type Names, SPAN } from './names.ts'
import { bulkFind, bulkInsert, type Session, takeNew } from './sql.ts'

interface Extent {
  readonly first: number
  readonly last: number
  readonly count: number
}

const findExtents = bulkFind<[id: number, first: number, last: number, count: number]>(
  (places) => `SELECT id, first_open, last_open, candle_count FROM series WHERE id IN (${places})`,
)
const saveExtents = bulkInsert(
  'series',
  ['id', 'trading_pair_id', 'timeframe', 'first_open', 'last_open', 'candle_count'],
  `ON DUPLICATE KEY UPDATE ${takeNew(['first_open', 'last_open', 'candle_count'])}`,
)
const findCandles = bulkFind<CandleRow>((places) => `SELECT ${CANDLE_COLUMNS} FROM candles WHERE id IN (${places})`)
const saveCandles = bulkInsert(
  'candles',
  ['id', ...FIGURES, 'known_at'],
  `ON DUPLICATE KEY UPDATE ${takeNew([...FIGURES, 'known_at'])}`,
)
const saveSuperseded = bulkInsert('superseded_candles', ['id', 'known_at', 'until', ...FIGURES])

/**
 * Writes candles, what they said before, the extent of their series and the rows that Laravel reads, inside the caller's
 * transaction. The caller holds the rows of their markets, so that nobody else writes to these series meanwhile.
 */
export async function writeCandles(session: Session, names: Names, list: readonly Candle[], now: number) {
  const series = new Map(list.map((candle) => [seriesKey(candle), candle]))
  const byNumber = new Map<number, Series>([...series.values()].map((one) => [names.series(one), one]))
  const incoming = list.map((candle) => ({ key: names.series(candle) * SPAN + candle.time / 1000, candle }))

  const extents = await loadExtents(session, [...byNumber.keys()])
  // Only what lies within the known extent can exist.
  const doubtful = incoming.map(({ key }) => key).filter((key) => within(extents.get(seriesOf(key))!, key % SPAN))
  const existing = await loadCandles(session, byNumber, doubtful)
  const folded = foldCandles(existing, incoming, now)

  await saveSuperseded(
    session,
    folded.superseded.map(({ key, knownAt, until, candle }) => [key, knownAt, until, ...figuresOf(candle)]),
  )
  await saveCandles(
    session,
    folded.changed.map(({ key, candle, knownAt }) => [key, ...figuresOf(candle), knownAt]),
  )
  await saveHistory(session, names, folded.changed)
  await saveExtents(
    session,
    grownExtents(extents, folded).map(([id, { first, last, count }]) => {
      const one = byNumber.get(id)!
      return [id, names.market(one), one.timeframe, first, last, count]
    }),
  )
}

const seriesOf = (key: number): number => Math.floor(key / SPAN)
const within = ({ first, last, count }: Extent, seconds: number): boolean =>
  count > 0 && seconds >= first && seconds <= last

async function loadExtents(session: Session, series: readonly number[]): Promise<Map<number, Extent>> {
  const rows = await findExtents(session, series)
  return new Map(rows.map(([id, first, last, count]) => [id, { first, last, count }]))
}

async function loadCandles(session: Session, series: Map<number, Series>, keys: readonly number[]) {
  const rows = await findCandles(
    session,
    [...new Set(keys)].sort((a, b) => a - b),
  )
  return new Map<number, Known>(rows.map((row) => [row[0], knownOf(series.get(seriesOf(row[0]))!, row)]))
}

/** The extents that are others than before, ascending by series. */
function grownExtents(extents: Map<number, Extent>, { added }: Folded): [number, Extent][] {
  const grown = new Map<number, Extent>()
  for (const key of added) {
    const [id, seconds] = [seriesOf(key), key % SPAN]
    const { first, last, count } = grown.get(id) ?? extents.get(id)!
    const empty = count === 0
    grown.set(id, {
      first: empty ? seconds : Math.min(first, seconds),
      last: empty ? seconds : Math.max(last, seconds),
      count: count + 1,
    })
  }
  return [...grown]
}
