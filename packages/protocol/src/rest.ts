import Type, { type TSchema } from 'typebox'

const Time = Type.String({ description: 'ISO 8601 UTC, to the second where the milliseconds are zero' })
const Count = Type.Integer({ minimum: 0 })

/** A good answer around `data`. */
export const success = <T extends TSchema>(data: T) =>
  Type.Object({ success: Type.Literal(true), data, timestamp: Time })

/** A bad answer. `code` is stable and upper case; `message` is for people. */
export const ErrorSchema = Type.Object({
  success: Type.Literal(false),
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
  timestamp: Time,
})

const candle = <T extends TSchema>(value: T) =>
  Type.Object({ time: Time, open: value, high: value, low: value, close: value, volume: value })

/** A candle; `time` is its open time. Volume in base units. */
export const CandleSchema = candle(Type.Number())
/** The same with exact decimal text, asked for by `numbers=string`. */
export const CandleTextSchema = candle(Type.String())

/** `unknown`: the feed was down and nobody can say. `missing`: not fetched yet. `to` is exclusive. */
export const GapSchema = Type.Object({
  from: Time,
  to: Time,
  status: Type.Enum(['unknown', 'missing']),
})

const candles = <T extends TSchema>(row: T) =>
  Type.Object({
    symbol: Type.String(),
    interval: Type.String(),
    data: Type.Array(row, { description: 'ascending; a forming candle is last' }),
    meta: Type.Object({
      gaps: Type.Array(GapSchema),
      quiet: Type.Optional(
        Type.Array(Type.Object({ from: Time, to: Time }), {
          description:
            'where the feed was healthy and nothing traded: candles there are flat. Absent when there is none',
        }),
      ),
    }),
  })

/** Candles of one market. */
export const CandlesSchema = candles(CandleSchema)
export const CandlesTextSchema = candles(CandleTextSchema)

/** The newest known price and the exchange's time of it. */
export const LatestSchema = Type.Object({ symbol: Type.String(), price: Type.Number(), timestamp: Time })

/** Rolling 24 hours. `change_24h` in percent, four decimals; `volume_24h` in base units. */
export const DayStatsSchema = Type.Object({
  symbol: Type.String(),
  high_24h: Type.Number(),
  low_24h: Type.Number(),
  change_24h: Type.Number(),
  volume_24h: Type.Number(),
})

/** Figures of the live hub: what was meant for receivers, what was written to sockets. */
export const WsStatsSchema = Type.Object({
  status: Type.Literal('ok'),
  data: Type.Object({
    total_connections: Count,
    active_connections: Count,
    messages_broadcast: Count,
    messages_delivered: Count,
    last_broadcast_time: Type.Integer({ description: 'ms; 0 before the first' }),
  }),
})

const CheckSchema = Type.Object({
  status: Type.Enum(['ok', 'error']),
  message: Type.Optional(Type.String()),
})

/** Figures of the collection. */
export const CollectionSchema = Type.Object({
  symbols: Count,
  streams: Count,
  messages_received: Count,
  candles_published: Count,
  last_message_at: Type.Union([Time, Type.Null()]),
  reconnects: Count,
  gaps_open: Count,
  mode: Type.Enum(['gap_filling', 'websocket_only', 'rest_fallback']),
})

/** `degraded` still answers 200. */
export const HealthSchema = Type.Object({
  status: Type.Enum(['ok', 'degraded', 'error']),
  service: Type.String(),
  version: Type.String(),
  uptime_seconds: Type.Number(),
  timestamp: Time,
  checks: Type.Record(Type.String(), CheckSchema),
  stats: Type.Optional(
    Type.Intersect([Type.Partial(CollectionSchema), Type.Record(Type.String(), Type.Unknown())], {
      description: 'Figures of the roles that run in the process',
    }),
  ),
})

export const ReadySchema = Type.Object({
  status: Type.Enum(['ok', 'error']),
  timestamp: Time,
  checks: Type.Record(Type.String(), CheckSchema),
})

/** `lookback_hours` back from now. */
export const FetchHistoricalBody = Type.Object({
  symbol: Type.String({ minLength: 1, maxLength: 40 }),
  timeframe: Type.Optional(Type.String({ minLength: 1, maxLength: 8, default: '1m' })),
  lookback_hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 8760, default: 24 })),
  exchange: Type.Optional(Type.String({ minLength: 1, maxLength: 20 })),
})

/** What a backfill will fetch. `to` is exclusive; `job_id` is null when nothing is missing. */
export const FetchPlanSchema = Type.Object({
  job_id: Type.Union([Type.String(), Type.Null()]),
  exchange: Type.String(),
  symbol: Type.String(),
  timeframe: Type.String(),
  missing: Type.Array(Type.Object({ from: Time, to: Time, candles: Count })),
  requests_planned: Count,
  estimated_seconds: Type.Number(),
  window: Type.String({ description: 'IMMEDIATE, SHORT, MEDIUM or LONG' }),
  delay_s: Type.Number(),
})

const PercentilesSchema = Type.Object({ p50: Type.Number(), p95: Type.Number(), p99: Type.Number() })

/** How complete a series is. */
export const SeriesCoverageSchema = Type.Object({
  exchange: Type.String(),
  symbol: Type.String(),
  timeframe: Type.String(),
  from: Time,
  to: Time,
  expected: Count,
  present: Count,
  missing: Count,
  coverage: Type.Number({ minimum: 0, maximum: 1 }),
  gaps: Type.Array(Type.Object({ from: Time, to: Time })),
  estimated_seconds: Type.Number(),
})

/** Performance and completeness. */
export const StatsSchema = Type.Object({
  status: Type.Literal('ok'),
  uptime_seconds: Type.Number(),
  performance: Type.Object({
    messages_per_second: Type.Number(),
    publish_latency_ms: PercentilesSchema,
    requests_per_minute: Type.Number(),
    cache_hit_rate: Type.Number({ minimum: 0, maximum: 1 }),
  }),
  coverage: Type.Array(SeriesCoverageSchema),
  reconciliation: Type.Optional(
    Type.Object(
      {
        outcomes: Type.Record(Type.String(), Count, {
          description:
            'equal, late, missing_trade, extra_trade, block_trade, damaged, exchange_revision, precision, unexplained, absent, no_candle',
        }),
        repaired: Count,
        pending: Count,
      },
      { description: "closed candles compared with the exchange's own since the start, by what was found" },
    ),
  ),
})
