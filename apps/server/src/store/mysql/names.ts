import { seriesKey } from '../../domain/candle.ts'
import { type MarketId, marketKey } from '../../domain/market.ts'
import { failure } from '../../lib/failure.ts'
import type { Series } from '../store.ts'
import { bulkInsert, dateTime, type Session } from './sql.ts'

/** Seconds take the lower 33 bits of a candle's key. */
export const SPAN = 2 ** 33
/** Beyond it a key is no exact double. */
const MAX_SERIES = 2 ** 20

/** Changes nothing where the row exists. Unlike INSERT IGNORE it hides no other trouble. */
const UNLESS_THERE = 'ON DUPLICATE KEY UPDATE id = id'
const MARKET_COLUMNS = ['exchange_id', 'symbol', 'created_at', 'updated_at']
const addMarkets = bulkInsert('trading_pairs', MARKET_COLUMNS, UNLESS_THERE)

/** The numbers by which rows name markets and series. Numbers never change, so what was found once is kept. */
export function createNames(now: () => number) {
  const exchanges = new Map<string, number>()
  const markets = new Map<string, number>()
  const series = new Map<string, number>()

  async function findExchange(session: Session, name: string): Promise<number | undefined> {
    return remembered(exchanges, name, async () =>
      same(name, await session.rows<[number, string]>('SELECT id, name FROM exchanges WHERE name = ?', [name])),
    )
  }
  async function findMarket(session: Session, of: MarketId): Promise<number | undefined> {
    return remembered(markets, marketKey(of), async () => {
      const exchange = await findExchange(session, of.exchange)
      if (exchange === undefined) return undefined
      const sql = 'SELECT id, symbol FROM trading_pairs WHERE exchange_id = ? AND symbol = ?'
      return same(of.symbol, await session.rows<[number, string]>(sql, [exchange, of.symbol]))
    })
  }
  async function findSeries(session: Session, of: Series): Promise<number | undefined> {
    return remembered(series, seriesKey(of), async () => {
      const market = await findMarket(session, of)
      if (market === undefined) return undefined
      const sql = 'SELECT id, timeframe FROM series WHERE trading_pair_id = ? AND timeframe = ?'
      return same(of.timeframe, await session.rows<[number, string]>(sql, [market, of.timeframe]))
    })
  }

  async function giveExchange(session: Session, name: string): Promise<number> {
    const known = await findExchange(session, name)
    if (known !== undefined) return known
    const time = dateTime(now())
    const sql = `INSERT INTO exchanges (name, created_at, updated_at) VALUES (?, ?, ?) ${UNLESS_THERE}`
    await session.run(sql, [name, time, time])
    return given(await findExchange(session, name), name)
  }
  async function giveMarket(session: Session, of: MarketId): Promise<number> {
    const known = await findMarket(session, of)
    if (known !== undefined) return known
    const [exchange, time] = [await giveExchange(session, of.exchange), dateTime(now())]
    await addMarkets(session, [[exchange, of.symbol, time, time]])
    return given(await findMarket(session, of), of.symbol)
  }
  /** As `giveMarket`, for whole lists of exchanges. */
  async function giveMarkets(session: Session, list: readonly MarketId[]): Promise<void> {
    for (const [name, some] of Map.groupBy(list, ({ exchange }) => exchange)) {
      const exchange = await giveExchange(session, name)
      const missing = () => some.filter((of) => !markets.has(marketKey(of)))
      if (missing().length > 0) await learnMarkets(session, name, exchange)
      const time = dateTime(now())
      const rows = missing().map(({ symbol }) => [exchange, symbol, time, time])
      await addMarkets(session, rows)
      if (rows.length > 0) await learnMarkets(session, name, exchange)
      for (const { symbol } of missing()) given(undefined, symbol)
    }
  }
  async function learnMarkets(session: Session, exchange: string, id: number): Promise<void> {
    const sql = 'SELECT id, symbol FROM trading_pairs WHERE exchange_id = ?'
    for (const [number, symbol] of await session.rows<[number, string]>(sql, [id]))
      markets.set(marketKey({ exchange, symbol }), number)
  }
  async function giveSeries(session: Session, of: Series): Promise<number> {
    const known = await findSeries(session, of)
    if (known !== undefined) return known
    const market = await giveMarket(session, of)
    const sql = `INSERT INTO series (trading_pair_id, timeframe) VALUES (?, ?) ${UNLESS_THERE}`
    await session.run(sql, [market, of.timeframe])
    const number = given(await findSeries(session, of), of.timeframe)
    if (number < MAX_SERIES) return number
    throw failure('INVALID_PARAMETER', { name: seriesKey(of), reason: 'the store is full: it holds 2^20 series' })
  }

  return {
    findMarket,
    findSeries,
    /** Outside of any transaction: a number is kept even where the write that wanted it fails. */
    giveMarket,
    giveMarkets,
    giveSeries,
    /** Those that have been given. */
    exchange: (name: string): number => exchanges.get(name)!,
    market: (of: MarketId): number => markets.get(marketKey(of))!,
    series: (of: Series): number => series.get(seriesKey(of))!,
    /** For when somebody else has emptied the database. */
    forget(): void {
      for (const map of [exchanges, markets, series]) map.clear()
    },
  }
}

export type Names = ReturnType<typeof createNames>

/** MySQL takes texts for equal that differ in spaces at their end. */
const same = (name: string, rows: readonly [id: number, name: string][]): number | undefined =>
  rows.find(([, found]) => found === name)?.[0]

function given(id: number | undefined, name: string): number {
  if (id !== undefined) return id
  throw failure('INVALID_PARAMETER', { name: JSON.stringify(name), reason: 'a name must not end with a space' })
}

async function remembered(
  map: Map<string, number>,
  key: string,
  find: () => Promise<number | undefined>,
): Promise<number | undefined> {
  const hit = map.get(key)
  if (hit !== undefined) return hit
  const found = await find()
  if (found !== undefined) map.set(key, found)
  return found
}
