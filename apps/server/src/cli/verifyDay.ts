import type { Candle } from '../domain/candle.ts'
import { covers, type Interval, knownIntervals } from '../domain/coverage.ts'
import { foldTrades, rollUp } from '../domain/fold.ts'
import { eachStretch, foldDay, type LedgerRow } from '../domain/ledger.ts'
import type { MarketId } from '../domain/market.ts'
import { bySize, DAY, divides, HOUR, MINUTE, nextOpen, type Timeframe, timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import { tradedDays } from '../record/ledger.ts'
import type { Store } from '../store/store.ts'
import { compareCandles } from './compare.ts'
import { iso } from './context.ts'

/** One thing that is not as it should be. */
export interface Fault {
  readonly what: string
  readonly where: string
  readonly expected: string
  readonly found: string
}

export interface DayReport {
  readonly day: number
  /** `proven`: equals the row. `running`: not over. `no row`: nothing to hold it against. `pruned`: trades are gone. */
  readonly state: 'proven' | 'running' | 'no row' | 'pruned' | 'different'
  readonly trades: number
  readonly hash: string
  /** Candles that the stored trades cover whole, held against the fold of the trades. */
  readonly candles: number
  readonly faults: readonly Fault[]
}

/** A closed candle may take so long to be stored, ms. */
const SETTLING = MINUTE

/**
 * Recomputes a day from the stored trades: the ledger row, ids that come twice or are missing where coverage says that
 * all is there, and the stored candles, which must equal the fold of the trades.
 */
export async function verifyDay(store: Store, market: MarketId, day: number, now: number): Promise<DayReport> {
  const range = { from: day, to: day + DAY }
  const read = (part: Interval) => store.trades(market, part)
  const fold = await foldDay(day, read)
  const [row] = await store.ledger(market, range)
  const known = knownIntervals(await store.coverage(market, 'trades', { from: day - DAY, to: day + 2 * DAY }))
  const gone = row?.pruned === true && fold.trades < row.trades
  const faults: Fault[] = row && !gone ? rowFaults(row, fold) : []
  const different = faults.length > 0
  for (const id of fold.doubled) faults.push({ what: 'id twice', where: String(id), expected: 'one row', found: 'two' })
  for (const { firstId, endId, from, to } of fold.holes) {
    if (!gone && covers(known, from, to + 1))
      faults.push({ what: 'ids missing', where: iso(from), expected: `${firstId} to ${endId - 1}`, found: 'none' })
  }
  const compared = gone ? { candles: 0, faults: [] } : await candleFaults(store, market, range, known, now)
  const state = different ? 'different' : gone ? 'pruned' : row ? 'proven' : day + DAY > now ? 'running' : 'no row'
  return {
    day,
    state,
    trades: fold.trades,
    hash: fold.hash,
    candles: compared.candles,
    faults: [...faults, ...compared.faults],
  }
}

function rowFaults(row: LedgerRow, fold: Awaited<ReturnType<typeof foldDay>>): Fault[] {
  const fields = ['firstId', 'lastId', 'trades', 'rows', 'hash'] as const
  const names = { firstId: 'first id', lastId: 'last id', trades: 'trades', rows: 'rows', hash: 'hash' }
  return fields
    .filter((field) => row[field] !== fold[field])
    .map((field) => ({
      what: names[field],
      where: 'ledger',
      expected: String(row[field] ?? 'none'),
      found: String(fold[field] ?? 'none'),
    }))
}

/** Timeframes that lie within days and have stored candles of this market. */
async function framesOf(store: Store, market: MarketId): Promise<Timeframe[]> {
  return (await store.series())
    .filter(({ exchange, symbol }) => exchange === market.exchange && symbol === market.symbol)
    .map((series) => timeframe(series.timeframe))
    .filter((frame) => frame.ms > 0 && frame.ms <= DAY)
    .sort(bySize)
}

/** Holds the day's stored candles against those of its trades, wherever coverage says that all trades are there. */
async function candleFaults(
  store: Store,
  market: MarketId,
  day: Interval,
  known: readonly Interval[],
  now: number,
): Promise<{ candles: number; faults: Fault[] }> {
  const frames = await framesOf(store, market)
  const minute = timeframe('1m')
  const small = frames.filter((frame) => divides(frame, minute))
  const large = frames.filter((frame) => frame.code === '1m' || divides(minute, frame))
  const minutes: Candle[] = []
  const result = { candles: 0, faults: [] as Fault[] }

  async function hold(frame: Timeframe, range: Interval, made: readonly Candle[]): Promise<void> {
    const isWhole = ({ time }: Candle) => covers(known, time, nextOpen(frame, time))
    const ours = await store.candles({ ...market, timeframe: frame.code }, { from: range.from, to: range.to - 1 })
    const stored = new Map(ours.filter(isWhole).map((candle) => [candle.time, candle]))
    for (const candle of made.filter(isWhole)) {
      const found = stored.get(candle.time)
      stored.delete(candle.time)
      if (!found && nextOpen(frame, candle.time) > now - SETTLING) continue
      result.candles++
      result.faults.push(...differences(frame, candle, found))
    }
    for (const { time } of stored.values())
      result.faults.push({ what: `candle ${frame.code}`, where: iso(time), expected: 'no trade', found: 'a candle' })
  }

  for (let from = day.from; from < day.to; from += HOUR) {
    const hour = { from, to: from + HOUR }
    const trades: Trade[] = []
    await eachStretch(
      hour,
      (part) => store.trades(market, part),
      (some) => trades.push(...some),
    )
    for (const frame of small) await hold(frame, hour, foldTrades(trades, frame))
    minutes.push(...foldTrades(trades, minute))
  }
  for (const frame of large) await hold(frame, day, frame.code === '1m' ? minutes : rollUp(minutes, frame))
  return result
}

function differences(frame: Timeframe, made: Candle, stored: Candle | undefined): Fault[] {
  const at = { what: `candle ${frame.code}`, where: iso(made.time) }
  if (!stored) return [{ ...at, expected: 'a candle', found: 'none' }]
  const has = { quoteVolume: true, trades: true }
  return compareCandles(stored, { candle: made, has }, 0).map(({ field, ours, theirs }) => ({
    what: `${at.what} ${field}`,
    where: at.where,
    expected: theirs,
    found: ours,
  }))
}

/** The days that have a row or stored trades, ascending. */
export async function daysOf(store: Store, market: MarketId, now: number): Promise<number[]> {
  const rows = await store.ledger(market, { from: 0, to: now + DAY })
  const days = new Set(rows.map(({ day }) => day))
  const traded = (await store.tradedMarkets()).find(
    ({ exchange, symbol }) => exchange === market.exchange && symbol === market.symbol,
  )
  const held = traded ? await tradedDays(store, market, { from: traded.first, to: traded.last + 1 }) : []
  for (const day of held) days.add(day)
  return [...days].sort((a, b) => a - b)
}
