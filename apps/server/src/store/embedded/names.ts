import type { DatabaseSync } from 'node:sqlite'
import { type MarketId, marketKey } from '../../domain/market.ts'
import type { Series } from '../store.ts'
import { command, query } from './sql.ts'

/** The numbers by which rows name markets and series. Numbers never change, so what was found once is kept. */
export function knownNames(db: DatabaseSync) {
  const findMarket = query<[number]>(db, 'SELECT id FROM markets WHERE exchange = ? AND symbol = ?')
  const findSeries = query<[number]>(db, 'SELECT id FROM series WHERE market = ? AND timeframe = ?')
  const markets = new Map<string, number>()
  const series = new Map<string, number>()

  const market = (id: MarketId): number | undefined =>
    remembered(markets, marketKey(id), () => findMarket(id.exchange, id.symbol)[0]?.[0])
  return {
    market,
    series: (of: Series): number | undefined => {
      const parent = market(of)
      if (parent === undefined) return undefined
      return remembered(series, `${parent}:${of.timeframe}`, () => findSeries(parent, of.timeframe)[0]?.[0])
    },
    /** After a rollback: numbers given since the last commit may be given again. */
    forget: () => {
      markets.clear()
      series.clear()
    },
  }
}

/** As `knownNames`, and gives a number to what has none. */
export function givenNames(db: DatabaseSync) {
  const known = knownNames(db)
  const addMarket = command(db, 'INSERT INTO markets (exchange, symbol) VALUES (?, ?)')
  const addSeries = command(db, 'INSERT INTO series (market, timeframe) VALUES (?, ?)')

  const market = (id: MarketId): number => {
    const number = known.market(id)
    if (number !== undefined) return number
    addMarket(id.exchange, id.symbol)
    return known.market(id)!
  }
  return {
    market,
    series: (of: Series): number => {
      const parent = market(of)
      const number = known.series(of)
      if (number !== undefined) return number
      addSeries(parent, of.timeframe)
      return known.series(of)!
    },
    forget: known.forget,
  }
}

export type KnownNames = ReturnType<typeof knownNames>
export type GivenNames = ReturnType<typeof givenNames>

function remembered(map: Map<string, number>, key: string, find: () => number | undefined): number | undefined {
  const hit = map.get(key)
  if (hit !== undefined) return hit
  const found = find()
  if (found !== undefined) map.set(key, found)
  return found
}
