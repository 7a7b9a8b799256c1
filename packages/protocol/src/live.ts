import Type from 'typebox'
import { CHANNEL_TYPES, LIVE_ERRORS } from './limits.ts'

const ChannelTypeSchema = Type.Enum(CHANNEL_TYPES)
/** A symbol in any spelling, or `*` for all. */
const SymbolText = Type.String({ minLength: 1, maxLength: 40, pattern: '^(\\*|[^\\s*"]+)$' })
/** A timeframe code, or `*` for all. */
const TimeframeText = Type.String({ minLength: 1, maxLength: 8, pattern: '^(\\*|[0-9]+[A-Za-z])$' })
/** An exchange id, or `*` for all. */
const ExchangeText = Type.String({ minLength: 1, maxLength: 20, pattern: '^(\\*|[a-z0-9]+)$' })

const channel = {
  type: ChannelTypeSchema,
  symbol: SymbolText,
  /** Of candles and indicators; `1m` when absent. */
  timeframe: Type.Optional(TimeframeText),
  /** The server's primary exchange when absent. */
  exchange: Type.Optional(ExchangeText),
  /** Of indicators; all when absent. */
  indicator: Type.Optional(Type.Enum(['rsi', 'macd', 'bollinger', 'momentum'])),
}

/** Client → server. More fields than these are allowed and ignored. */
export const SubscribeMessage = Type.Object({
  action: Type.Literal('subscribe'),
  ...channel,
  /** Where the client was: what came since then is sent before live messages, when it is still known. */
  recover: Type.Optional(Type.Object({ epoch: Type.String({ maxLength: 64 }), seq: Type.Integer({ minimum: 0 }) })),
})
export const UnsubscribeMessage = Type.Object({ action: Type.Literal('unsubscribe'), ...channel })
export const ListMessage = Type.Object({
  action: Type.Enum(['list_subscriptions', 'list', 'subscriptions']),
})
export const PingMessage = Type.Object({ action: Type.Literal('ping') })

/** The answer to a subscription: where the channel stands (not with `*`), and whether what was missed follows. */
export const SubscribedSchema = Type.Object({
  type: ChannelTypeSchema,
  symbol: Type.String(),
  timeframe: Type.Optional(Type.String()),
  exchange: Type.String(),
  epoch: Type.Optional(Type.String()),
  seq: Type.Optional(Type.Integer()),
  recovered: Type.Optional(Type.Boolean()),
})

/** Which stream something belongs to. `timeframe` only where the type has one. */
export const SubscriptionSchema = Type.Object({
  type: ChannelTypeSchema,
  symbol: Type.String(),
  timeframe: Type.Optional(Type.String()),
  exchange: Type.String(),
})

/** A candle; `time` is its open time, ISO 8601 UTC. Volume in base units. */
export const LiveCandleSchema = Type.Object({
  exchange: Type.String(),
  symbol: Type.String(),
  timeframe: Type.String(),
  time: Type.String(),
  open: Type.Number(),
  high: Type.Number(),
  low: Type.Number(),
  close: Type.Number(),
  volume: Type.Number(),
  /** False while the candle is forming. */
  closed: Type.Boolean(),
  /** Of a candle in which, with a healthy feed, nothing traded; absent of one that traded. */
  state: Type.Optional(Type.Literal('quiet')),
})

/**
 * What is known of a stretch of candles has changed; times ISO 8601 UTC, `to` exclusive, whole candles.
 * `unknown`: nobody can say what traded; candles given out for it are void. `repaired`: read it anew by REST.
 */
export const CoverageSchema = Type.Object({
  exchange: Type.String(),
  symbol: Type.String(),
  timeframe: Type.String(),
  from: Type.String(),
  to: Type.String(),
  status: Type.Enum(['unknown', 'repaired']),
})

/** A closed candle that was made anew; also sent as a plain `candle`. */
export const CorrectionSchema = Type.Intersect([LiveCandleSchema, Type.Object({ revision: Type.Integer() })])

/** A trade; `time` is the exchange's, `side` the taker's. */
export const LiveTradeSchema = Type.Object({
  exchange: Type.String(),
  symbol: Type.String(),
  id: Type.Union([Type.Number(), Type.String()]),
  price: Type.Number(),
  quantity: Type.Number(),
  side: Type.Enum(['buy', 'sell']),
  time: Type.String(),
})

/** What a slow client did not get: messages `from_seq` to `to_seq` of each channel lost `dropped` in all. */
export const LaggedSchema = Type.Object({
  dropped: Type.Integer(),
  channels: Type.Array(
    Type.Intersect([SubscriptionSchema, Type.Object({ from_seq: Type.Integer(), to_seq: Type.Integer() })]),
  ),
})

export const LiveErrorSchema = Type.Object({ message: Type.String(), code: Type.Enum(LIVE_ERRORS) })
export const PongSchema = Type.Object({ time: Type.Integer() })
