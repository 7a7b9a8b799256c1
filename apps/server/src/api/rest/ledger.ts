import type { LedgerDay } from '@candlewire/protocol'
import { ErrorSchema, LedgerSchema, success } from '@candlewire/protocol/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Coverage, Interval } from '../../domain/coverage.ts'
import { clip, overlay } from '../../domain/intervals.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import { DAY, openTime, timeframe } from '../../domain/timeframe.ts'
import { failure } from '../../lib/failure.ts'
import type { ApiDeps } from '../deps.ts'
import type { Folds } from '../folds.ts'
import { isoTime } from '../text.ts'
import { ExchangeQuery, readMarket, readTime, SymbolParams, TimeText } from './params.ts'

const DEFAULT_DAYS = 7
const MOST_DAYS = 92

const Query = Type.Object({
  day: Type.Optional({ ...TimeText, description: 'one UTC day, by any time in it' }),
  from: Type.Optional({ ...TimeText, description: `first day; ${DEFAULT_DAYS} days when absent` }),
  to: Type.Optional({ ...TimeText, description: `last day, today when absent; at most ${MOST_DAYS} days` }),
  ...ExchangeQuery.properties,
})
type Asked = Type.Static<typeof Query>

const schema = {
  summary: 'What was traded on each day: ids, count, hash and coverage',
  description:
    'A row is written when its UTC day is over and outlives the trades. The running day is computed for the answer.',
  tags: ['proof'],
  params: SymbolParams,
  querystring: Query,
  response: { 200: success(LedgerSchema), 400: ErrorSchema, 404: ErrorSchema, 503: ErrorSchema },
}

/** `GET /api/v1/ledger/{symbol}` */
export const ledgerApi =
  ({ store, catalog, now }: ApiDeps, folds: Folds): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get('/api/v1/ledger/:symbol', { schema }, async ({ params, query }) => {
      const market = readMarket(catalog, params.symbol, query.exchange)
      const time = now()
      const range = readDays(query, time)
      const rows = new Map((await store.ledger(market, range)).map((row) => [row.day, row]))
      // A day that was over just now may not have its row yet.
      const today = dayOf(time)
      const running = new Set<number>()
      for (const day of [today - DAY, today]) {
        if (rows.has(day) || day < range.from || day >= range.to) continue
        const fold = await folds.day(market, day)
        if (fold.rows === 0 && day < today) continue
        rows.set(day, { ...market, ...fold, day, pruned: false })
        running.add(day)
      }
      const coverage = await store.coverage(market, 'trades', range)
      const days = [...rows.values()]
        .sort((a, b) => a.day - b.day)
        .map((row) => dayBody(row, running.has(row.day), coverage, time))
      return { success: true as const, data: { ...market, days }, timestamp: isoTime(time) }
    })
  }

const dayOf = (time: number): number => openTime(timeframe('1d'), time)

/** The days asked for, `to` exclusive. */
function readDays({ day, from, to }: Asked, now: number): Interval {
  if (day !== undefined && (from !== undefined || to !== undefined))
    throw failure('INVALID_PARAMETER', { name: 'day', reason: 'stands alone, without from and to' })
  const last = dayOf(readTime(day === undefined ? 'to' : 'day', day ?? to ?? String(now)))
  const first =
    day !== undefined ? last : from === undefined ? last - (DEFAULT_DAYS - 1) * DAY : dayOf(readTime('from', from))
  if (first > last) throw failure('INVALID_RANGE', {})
  if ((last - first) / DAY >= MOST_DAYS)
    throw failure('INVALID_PARAMETER', { name: 'from', reason: `lies more than ${MOST_DAYS} days before to` })
  return { from: first, to: last + DAY }
}

function dayBody(row: LedgerRow, running: boolean, coverage: readonly Coverage[], now: number): LedgerDay {
  const range = { from: row.day, to: Math.min(row.day + DAY, now) }
  const known = overlay([{ ...range, state: 'unknown' as Coverage['state'] }], clip(coverage, range))
  return {
    day: new Date(row.day).toISOString().slice(0, 10),
    status: running ? 'running' : 'final',
    first_id: row.firstId ?? null,
    last_id: row.lastId ?? null,
    trades: row.trades,
    rows: row.rows,
    hash: row.hash,
    computed_at: isoTime(row.computedAt),
    trades_kept: !row.pruned,
    intervals: known.map(({ from, to, state }) => ({ from: isoTime(from), to: isoTime(to), state })),
  }
}
