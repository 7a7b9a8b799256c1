import { seriesKey } from '../../domain/candle.ts'
import { type MarketId, marketKey } from '../../domain/market.ts'
import type { Series } from '../store.ts'
import { column, INT4, textColumn } from './binary.ts'
import type { Database, Session } from './database.ts'

type Found = [id: string, exchange: string, symbol: string, timeframe: string]

/**
 * The numbers by which rows name markets and series. Numbers never change, so what was found once is kept. They are
 * given outside of the transactions that use them: a rollback takes none back.
 */
export function createNames(database: Database) {
  const markets = new Map<string, number>()
  const series = new Map<string, number>()

  async function findMarkets(list: readonly MarketId[]): Promise<void> {
    const rows = await database.query<Found>(
      `SELECT m.id, m.exchange, m.symbol, '' FROM candlewire.markets m
       JOIN unnest($1::text[], $2::text[]) AS b (exchange, symbol) USING (exchange, symbol)`,
      namesOf(list),
    )
    for (const [id, exchange, symbol] of rows) markets.set(marketKey({ exchange, symbol }), Number(id))
  }

  async function findSeries(list: readonly Series[]): Promise<void> {
    const rows = await database.query<Found>(
      `SELECT s.id, m.exchange, m.symbol, s.timeframe FROM candlewire.series s
       JOIN candlewire.markets m ON m.id = s.market
       JOIN unnest($1::text[], $2::text[], $3::text[]) AS b (exchange, symbol, timeframe)
         USING (exchange, symbol, timeframe)`,
      [...namesOf(list), textColumn(list, ({ timeframe }) => timeframe)],
    )
    for (const [id, exchange, symbol, timeframe] of rows)
      series.set(seriesKey({ exchange, symbol, timeframe }), Number(id))
  }

  /** Gives numbers to markets that have none; afterwards each of them can be had by `market`. */
  async function giveMarkets(list: readonly MarketId[]): Promise<void> {
    const missing = unknown(list, marketKey, markets)
    if (missing.length === 0) return
    await database.query(
      `INSERT INTO candlewire.markets (exchange, symbol) SELECT * FROM unnest($1::text[], $2::text[])
       ON CONFLICT DO NOTHING`,
      namesOf(missing),
    )
    await findMarkets(missing)
  }

  /** The same for series. */
  async function giveSeries(list: readonly Series[]): Promise<void> {
    const missing = unknown(list, seriesKey, series)
    if (missing.length === 0) return
    await giveMarkets(missing)
    await database.query(
      `INSERT INTO candlewire.series (market, timeframe) SELECT * FROM unnest($1::int4[], $2::text[])
       ON CONFLICT DO NOTHING`,
      [column(INT4, missing, (one) => given(markets, marketKey(one))), textColumn(missing, (one) => one.timeframe)],
    )
    await findSeries(missing)
  }

  return {
    giveMarkets,
    giveSeries,
    market: (of: MarketId): number => given(markets, marketKey(of)),
    series: (of: Series): number => given(series, seriesKey(of)),
    /** Those that have a number already; for readers. */
    async knownMarket(of: MarketId): Promise<number | undefined> {
      if (!markets.has(marketKey(of))) await findMarkets([of])
      return markets.get(marketKey(of))
    },
    async knownSeries(of: Series): Promise<number | undefined> {
      if (!series.has(seriesKey(of))) await findSeries([of])
      return series.get(seriesKey(of))
    },
  }
}

export type Names = ReturnType<typeof createNames>

const LOCK = 'SELECT id FROM candlewire.markets WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE'

/** Keeps the rows of markets until the caller's transaction ends. */
export async function lockMarkets(session: Session, names: Names, list: readonly MarketId[]): Promise<void> {
  const numbers = [...new Set(list.map(names.market))]
  if (numbers.length > 0) await session.query(LOCK, [column(INT4, numbers, (number) => number)])
}

const namesOf = (list: readonly MarketId[]): Buffer[] => [
  textColumn(list, ({ exchange }) => exchange),
  textColumn(list, ({ symbol }) => symbol),
]

/** Those without a number, each once, in one order for all processes: they may wait for each other, never in a ring. */
function unknown<T>(list: readonly T[], key: (item: T) => string, known: ReadonlyMap<string, number>): T[] {
  const missing = new Map<string, T>()
  for (const item of list) {
    const name = key(item)
    if (!known.has(name)) missing.set(name, item)
  }
  return [...missing].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
}

function given(numbers: ReadonlyMap<string, number>, key: string): number {
  const number = numbers.get(key)
  if (number === undefined) throw new Error(`${key} has no number in the store`)
  return number
}
