import { LIMITS } from '@candlewire/protocol'
import { CandlesSchema, CandlesTextSchema, ErrorSchema, success } from '@candlewire/protocol/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type TSchema } from 'typebox'
import { failure } from '../../lib/failure.ts'
import type { ApiDeps } from '../deps.ts'
import { answerPieces, type CandleQuery, readRows } from '../series/answer.ts'
import { cachedRows } from '../series/cached.ts'
import { knownRows } from '../series/known.ts'
import { createSource } from '../series/source.ts'
import type { Views } from '../views.ts'
import { ExchangeQuery, readMarket, readTime, SymbolParams, TimeText } from './params.ts'
import { sendPieces } from './pieces.ts'

const Query = Type.Object({
  interval: Type.Optional(
    Type.String({ maxLength: 8, default: '1m', description: 'a kept timeframe, or one made of a kept one' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      default: LIMITS.defaultCandles,
      description: `more than ${LIMITS.maxCandles} means ${LIMITS.maxCandles}`,
    }),
  ),
  start: Type.Optional(TimeText),
  end: Type.Optional(TimeText),
  closed: Type.Optional(Type.Enum(['true', 'false'], { description: 'true leaves the forming candle out' })),
  as_of: Type.Optional(
    Type.String({
      maxLength: 40,
      description:
        'candles as they were stored at this time; those that came later are absent, quiet intervals are not drawn, and meta.gaps names whatever is absent',
    }),
  ),
  numbers: Type.Optional(Type.Enum(['number', 'string'], { description: 'string prints exact decimal texts' })),
  ...ExchangeQuery.properties,
})

type Asked = Type.Static<typeof Query>

/** The answer is sent as bytes, so that its type is of use to the documentation only. */
const answerSchema: TSchema = success(Type.Union([CandlesSchema, CandlesTextSchema]))

const schema = {
  summary: 'Candles of a market',
  description:
    'Ascending by time. With `start` the first `limit` candles from there, else the last ones up to `end` or now.',
  tags: ['market data'],
  params: SymbolParams,
  querystring: Query,
  response: {
    200: answerSchema,
    400: ErrorSchema,
    404: ErrorSchema,
    503: ErrorSchema,
  },
}

/** `GET /api/v1/crypto/{symbol}/data` */
export const candlesApi =
  ({ store, catalog, now }: ApiDeps, { state, cache }: Views): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get('/api/v1/crypto/:symbol/data', { schema }, async ({ params, query }, reply) => {
      const market = readMarket(catalog, params.symbol, query.exchange)
      const interval = query.interval ?? '1m'
      const source = createSource(market, interval, { store, state, timeframes: catalog.timeframes, now })
      const asked = readQuery(query, source.maxCandles)
      const time = now()
      if (query.as_of !== undefined) {
        const then = readTime('as_of', query.as_of)
        const known = await knownRows(store, source, asked, Math.min(then, time))
        sendPieces(reply, answerPieces(market.symbol, interval, known, time))
        return reply
      }
      const rows = (await cachedRows(source, asked, cache, time)) ?? (await readRows(source, asked, time))
      sendPieces(reply, answerPieces(market.symbol, interval, rows, time))
      return reply
    })
  }

function readQuery(query: Asked, maxCandles: number): CandleQuery {
  const from = query.start === undefined ? undefined : readTime('start', query.start)
  const to = query.end === undefined ? undefined : readTime('end', query.end)
  if (from !== undefined && to !== undefined && from > to) throw failure('INVALID_RANGE', {})
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    limit: Math.min(query.limit ?? LIMITS.defaultCandles, LIMITS.maxCandles, maxCandles),
    closedOnly: query.closed === 'true',
    numbers: query.numbers ?? 'number',
  }
}
