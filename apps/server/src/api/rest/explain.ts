import type { CandleRevision, Explanation } from '@candlewire/protocol'
import { ErrorSchema, ExplanationSchema, success } from '@candlewire/protocol/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Candle } from '../../domain/candle.ts'
import { type Coverage, covers, type Interval, knownIntervals } from '../../domain/coverage.ts'
import type { TradeSpan } from '../../domain/ledger.ts'
import type { MarketId } from '../../domain/market.ts'
import { bySize, DAY, divides, nextOpen, openTime, type Timeframe, timeframe } from '../../domain/timeframe.ts'
import { exactText, plainText } from '../../lib/decimal.ts'
import { failure } from '../../lib/failure.ts'
import type { Job, Revision } from '../../store/store.ts'
import type { ApiDeps } from '../deps.ts'
import type { Folds } from '../folds.ts'
import { isoTime } from '../text.ts'
import { readMarket, readTime, SymbolParams, TimeText } from './params.ts'

const schema = {
  summary: 'Where a candle comes from',
  description: 'Its source, everything it ever said, its trades, what is known of its interval, and who fetched it.',
  tags: ['proof'],
  params: Type.Object({
    exchange: Type.String({ maxLength: 20 }),
    ...SymbolParams.properties,
    timeframe: Type.String({ maxLength: 8, description: 'a kept timeframe' }),
    time: { ...TimeText, description: 'any time in the candle: ISO 8601, or epoch ms or s' },
  }),
  response: { 200: success(ExplanationSchema), 400: ErrorSchema, 404: ErrorSchema, 503: ErrorSchema },
}

/** `GET /api/v1/explain/candle/{exchange}/{symbol}/{timeframe}/{time}` */
export const explainApi =
  ({ store, catalog, now }: ApiDeps, folds: Folds): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get('/api/v1/explain/candle/:exchange/:symbol/:timeframe/:time', { schema }, async ({ params, url }) => {
      const market = readMarket(catalog, params.symbol, params.exchange)
      const frame = timeframe(params.timeframe)
      const from = openTime(frame, readTime('time', params.time))
      const range = { from, to: nextOpen(frame, from) }
      const revisions = await store.revisions({ ...market, timeframe: frame.code }, from)
      const candle = revisions.at(-1)?.candle
      if (!candle) throw failure('NOT_FOUND', { path: url })
      const [own, ofTrades] = await Promise.all(
        [frame.code, 'trades'].map((series) => store.coverage(market, series, range)),
      )
      const coverage = [...ofTrades!, ...own!]
      const jobs = (await store.jobs()).filter((job) => isOf(job, candle))
      const data: Explanation = {
        ...market,
        timeframe: frame.code,
        from: isoTime(range.from),
        to: isoTime(range.to),
        source: candle.source,
        revision: candle.revision,
        revisions: revisions.map(revisionBody),
        trades: await tradesOf(market, frame, range),
        rolled_up_from: childrenOf(candle, frame, range, own!),
        coverage: coverage.map((part) => ({
          series: part.series,
          from: isoTime(part.from),
          to: isoTime(part.to),
          state: part.state,
        })),
        jobs: jobs.map(jobBody),
      }
      return { success: true as const, data, timestamp: isoTime(now()) }
    })

    /** Of long candles the ledger knows without reading every trade. */
    async function tradesOf(market: MarketId, frame: Timeframe, range: Interval): Promise<Explanation['trades']> {
      if (frame.ms && frame.ms < DAY) return spanBody('trades', await folds.span(market, range))
      const days = await store.ledger(market, range)
      if (days.length * DAY === range.to - range.from) return spanBody('ledger', joined(days))
      return frame.ms === DAY ? spanBody('trades', await folds.span(market, range)) : null
    }

    /** What the exchange gave itself has no children; else it was made of the largest kept timeframe that divides it. */
    function childrenOf({ source }: Candle, frame: Timeframe, range: Interval, own: readonly Coverage[]) {
      if (source === 'exchange' || covers(knownIntervals(own), range.from, range.to)) return null
      const smaller = catalog.timeframes.map(timeframe).sort(bySize)
      return smaller.findLast((small) => divides(small, frame))?.code ?? null
    }
  }

const isOf = (job: Job, { exchange, symbol, timeframe, time }: Candle): boolean =>
  job.exchange === exchange && job.symbol === symbol && job.timeframe === timeframe && job.from <= time && time < job.to

/** Several days as one. */
const joined = (days: readonly TradeSpan[]): TradeSpan => ({
  firstId: days.find(({ rows }) => rows > 0)?.firstId,
  lastId: days.findLast(({ rows }) => rows > 0)?.lastId,
  trades: days.reduce((sum, { trades }) => sum + trades, 0),
  rows: days.reduce((sum, { rows }) => sum + rows, 0),
})

const spanBody = (readFrom: 'trades' | 'ledger', span: TradeSpan): Explanation['trades'] =>
  span.rows === 0
    ? null
    : {
        read_from: readFrom,
        first_id: span.firstId ?? null,
        last_id: span.lastId ?? null,
        count: span.trades,
        rows: span.rows,
      }

function revisionBody({ candle, knownAt }: Revision, index: number, all: readonly Revision[]): CandleRevision {
  const before = all[index - 1]?.candle
  const [texts, old] = [figures(candle), before && figures(before)]
  const fields = Object.keys(texts) as (keyof typeof texts)[]
  return {
    revision: candle.revision,
    known_at: knownAt === 0 ? null : isoTime(knownAt),
    ...texts,
    source: candle.source,
    trades: candle.trades,
    changed: old
      ? fields
          .filter((field) => old[field] !== texts[field])
          .map((field) => ({ field, before: old[field], after: texts[field] }))
      : [],
  }
}

const figures = (candle: Candle) => ({
  open: plainText(candle.open),
  high: plainText(candle.high),
  low: plainText(candle.low),
  close: plainText(candle.close),
  volume: exactText(candle.volume, candle.volumeRest),
  quote_volume: exactText(candle.quoteVolume, candle.quoteVolumeRest),
  trades: String(candle.trades),
  source: candle.source as string,
})

const jobBody = ({ id, state, from, to, createdAt, updatedAt }: Job): Explanation['jobs'][number] => ({
  id,
  state,
  from: isoTime(from),
  to: isoTime(to),
  created_at: isoTime(createdAt),
  updated_at: isoTime(updatedAt),
})
