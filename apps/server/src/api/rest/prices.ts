import { DayStatsSchema, ErrorSchema, LatestSchema, success } from '@candlewire/protocol/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Candle } from '../../domain/candle.ts'
import type { MarketId } from '../../domain/market.ts'
import { DAY, MINUTE, nextOpen, openTime } from '../../domain/timeframe.ts'
import { addUnits, nearestValue, setUnits } from '../../lib/exact.ts'
import { failure } from '../../lib/failure.ts'
import type { ApiDeps } from '../deps.ts'
import { createSource } from '../series/source.ts'
import type { Price } from '../state.ts'
import { isoTime } from '../text.ts'
import type { Views } from '../views.ts'
import { ExchangeQuery, readMarket, SymbolParams } from './params.ts'

const shape = { tags: ['market data'], params: SymbolParams, querystring: ExchangeQuery }
const errors = { 400: ErrorSchema, 404: ErrorSchema, 503: ErrorSchema }
const latestSchema = { ...shape, summary: 'The last price', response: { 200: success(LatestSchema), ...errors } }
const statsSchema = { ...shape, summary: 'The rolling day', response: { 200: success(DayStatsSchema), ...errors } }

/** `GET /api/v1/crypto/{symbol}/latest` and `GET /api/v1/stats/{symbol}` */
export const pricesApi =
  ({ store, catalog, now }: ApiDeps, { state }: Views): FastifyPluginAsyncTypebox =>
  async (app) => {
    const sources = { store, state, timeframes: catalog.timeframes, now }

    /** Of the last trade, else the last ticker, else of the newest close, at the candle's end or now. */
    const latest = async (market: MarketId): Promise<Price | undefined> => {
      const live = state.price(market)
      if (live) return live
      const closes = await Promise.all(catalog.timeframes.map((code) => lastClose(market, code)))
      return closes.filter((price) => price !== undefined).sort((a, b) => b.time - a.time)[0]
    }

    const lastClose = async (market: MarketId, code: string): Promise<Price | undefined> => {
      const source = createSource(market, code, sources)
      const [last] = await source.closed({ limit: 1, newest: true })
      return last && { price: last.close, time: Math.min(nextOpen(source.frame, last.time), now()) }
    }

    /** Candles of the last 24 hours by minutes, those not closed yet too. */
    const lastDay = async (market: MarketId): Promise<Candle[]> => {
      const source = createSource(market, '1m', sources)
      const from = openTime(source.frame, now() - DAY)
      const [closed, forming] = await Promise.all([source.closed({ from, limit: DAY / MINUTE + 1 }), source.forming()])
      const last = closed.at(-1)?.time ?? from - 1
      return [...closed, ...forming.filter(({ time }) => time > last)]
    }

    app.get('/api/v1/crypto/:symbol/latest', { schema: latestSchema }, async ({ params, query }) => {
      const market = readMarket(catalog, params.symbol, query.exchange)
      const found = await latest(market)
      if (!found) throw failure('NO_DATA', { symbol: market.symbol })
      return ok({ symbol: market.symbol, price: found.price, timestamp: isoTime(found.time) }, now())
    })

    app.get('/api/v1/stats/:symbol', { schema: statsSchema }, async ({ params, query }) => {
      const market = readMarket(catalog, params.symbol, query.exchange)
      const candles = await lastDay(market)
      if (candles.length === 0) throw failure('NO_DATA', { symbol: market.symbol })
      return ok({ symbol: market.symbol, ...dayStats(candles) }, now())
    })
  }

const ok = <T>(data: T, now: number) => ({ success: true as const, data, timestamp: isoTime(now) })

/** Figures of candles, oldest first and at least one. The change is in percent of the first open, four decimals. */
function dayStats(candles: readonly Candle[]) {
  const first = candles[0]!
  const last = candles.at(-1)!
  const change = ((last.close - first.open) / first.open) * 100
  return {
    high_24h: candles.reduce((high, candle) => Math.max(high, candle.high), -Infinity),
    low_24h: candles.reduce((low, candle) => Math.min(low, candle.low), Infinity),
    change_24h: Math.round(change * 10_000) / 10_000,
    volume_24h: exactVolume(candles),
  }
}

function exactVolume(candles: readonly Candle[]): number {
  const sum = new Float64Array(2)
  const one = new Float64Array(2)
  for (const { volume, volumeRest } of candles) {
    setUnits(one, 0, volume, volumeRest)
    addUnits(sum, 0, one[0]!, one[1]!)
  }
  return nearestValue(sum[0]!, sum[1]!)
}
