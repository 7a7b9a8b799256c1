import Type from 'typebox'

const Time = Type.String({ description: 'ISO 8601 UTC, to the second where the milliseconds are zero' })
const Count = Type.Integer({ minimum: 0 })
const TradeId = Type.Union([Type.Number(), Type.String(), Type.Null()], {
  description: 'a number where the exchange counts its ids, else a text; null without trades',
})
const State = Type.Enum(['complete', 'quiet', 'unknown'], {
  description: 'everything that traded is known; proven that nothing traded; nobody can say',
})
const StatedInterval = Type.Object({ from: Time, to: Time, state: State })

/** What was traded on one UTC day. `rows`: an exchange's aggregate of several trades is one row. */
export const LedgerDaySchema = Type.Object({
  day: Type.String({ description: 'as 2024-08-08' }),
  status: Type.Enum(['final', 'running'], { description: 'running: computed for this answer, trades may still come' }),
  first_id: TradeId,
  last_id: TradeId,
  trades: Count,
  rows: Count,
  hash: Type.String({
    description:
      'SHA-256 over a line `id,count,price,quantity,side,time` of each row, by time and then by id; numbers as shortest plain decimals, times in ms, each line ended by a line feed',
  }),
  computed_at: Time,
  trades_kept: Type.Boolean({ description: 'false when trades of the day were deleted because they were old' }),
  intervals: Type.Array(StatedInterval, { description: 'the day so far, without gaps' }),
})

export const LedgerSchema = Type.Object({
  exchange: Type.String(),
  symbol: Type.String(),
  days: Type.Array(LedgerDaySchema, { description: 'ascending; days of which no trades were ever stored are absent' }),
})

const Source = Type.Enum(['trades', 'exchange', 'backfill', 'filled'])

/** What a candle said from `known_at` on. `changed`: against the revision before, as exact decimal text. */
export const RevisionSchema = Type.Object({
  revision: Count,
  source: Source,
  known_at: Type.Union([Time, Type.Null()], { description: 'null: before this was kept' }),
  open: Type.String(),
  high: Type.String(),
  low: Type.String(),
  close: Type.String(),
  volume: Type.String(),
  quote_volume: Type.String(),
  trades: Count,
  changed: Type.Array(Type.Object({ field: Type.String(), before: Type.String(), after: Type.String() })),
})

/** Where one candle comes from. */
export const ExplanationSchema = Type.Object({
  exchange: Type.String(),
  symbol: Type.String(),
  timeframe: Type.String(),
  from: Time,
  to: Time,
  source: Source,
  revision: Count,
  revisions: Type.Array(RevisionSchema, { description: 'oldest first, the valid one last' }),
  trades: Type.Union(
    [
      Type.Object({
        read_from: Type.Enum(['trades', 'ledger']),
        first_id: TradeId,
        last_id: TradeId,
        count: Count,
        rows: Count,
      }),
      Type.Null(),
    ],
    { description: 'null when none are kept' },
  ),
  rolled_up_from: Type.Union([Type.String(), Type.Null()], {
    description: 'the smaller timeframe; null when folded from trades or given by the exchange',
  }),
  coverage: Type.Array(
    Type.Object({
      series: Type.String({ description: '`trades`, or a timeframe' }),
      from: Time,
      to: Time,
      state: State,
    }),
  ),
  jobs: Type.Array(
    Type.Object({
      id: Type.String(),
      state: Type.Enum(['queued', 'running', 'done', 'failed', 'cancelled']),
      from: Time,
      to: Time,
      created_at: Time,
      updated_at: Time,
    }),
    { description: 'backfills whose range holds the candle, newest first' },
  ),
})
