import Type, { type Static } from 'typebox'

/**
 * What travels on Binance's wires (binance-spot-api-docs: rest-api.md, web-socket-streams.md).
 * Only the fields that we hold are named; others may come, go and change. Futures frames and older recordings fit too.
 */

const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** -1 stands for none. */
const MaybeId = Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER })
/** ms, or µs with 16 digits. */
const Time = Id
const Count = Id
/** A decimal that is no negative number. */
const Amount = Type.String({ pattern: /^\d+(\.\d+)?$/, maxLength: 64 })
const SymbolText = Type.String({ minLength: 1, maxLength: 64 })
/** Until 2019 a level ended with an empty list. */
const Levels = Type.Array(Type.Union([Type.Tuple([Amount, Amount]), Type.Tuple([Amount, Amount, Type.Unknown()])]))

export const StreamTrade = Type.Object({
  E: Time,
  s: SymbolText,
  t: Id,
  p: Amount,
  q: Amount,
  T: Time,
  m: Type.Boolean(),
})

/** The same fields in a stream and in a REST answer, which has no symbol. */
const aggregate = { a: Id, p: Amount, q: Amount, f: MaybeId, l: MaybeId, T: Time, m: Type.Boolean() }
export const AggregateTrade = Type.Object(aggregate)
export const StreamAggregateTrade = Type.Object({ ...aggregate, s: SymbolText })

export const StreamKline = Type.Object({
  s: SymbolText,
  k: Type.Object({
    t: Time,
    i: Type.String({ minLength: 2, maxLength: 4 }),
    o: Amount,
    h: Amount,
    l: Amount,
    c: Amount,
    v: Amount,
    q: Amount,
    n: Count,
    x: Type.Boolean(),
  }),
})

export const StreamMiniTicker = Type.Object({
  E: Time,
  s: SymbolText,
  c: Amount,
  o: Amount,
  h: Amount,
  l: Amount,
  v: Amount,
  q: Amount,
})

/** Futures send no best prices in it. */
export const StreamTicker = Type.Object({
  ...StreamMiniTicker.properties,
  b: Type.Optional(Amount),
  a: Type.Optional(Amount),
  /** The newest trade's id. */
  L: Type.Optional(MaybeId),
})

export const StreamBookTicker = Type.Object({ u: Id, s: SymbolText, b: Amount, B: Amount, a: Amount, A: Amount })

export const StreamDepth = Type.Object({ E: Time, s: SymbolText, U: Id, u: Id, b: Levels, a: Levels })

/** A partial book of the stream and the REST snapshot; a market that never traded may say -1. Futures add `E`. */
export const Depth = Type.Object({
  lastUpdateId: MaybeId,
  bids: Levels,
  asks: Levels,
  E: Type.Optional(Time),
})

const AckId = Type.Optional(Type.Union([Type.Integer(), Type.String(), Type.Null()]))
const Problem = Type.Object({ code: Type.Integer(), msg: Type.String() })
export const Accepted = Type.Object({ result: Type.Unknown(), id: AckId })
export const Refused = Type.Object({ ...Problem.properties, id: AckId })
/** The shape of older servers. */
export const RefusedNested = Type.Object({ error: Problem, id: AckId })

export const ServerTime = Type.Object({ serverTime: Time })

const Filter = Type.Object({
  filterType: Type.String(),
  tickSize: Type.Optional(Amount),
  stepSize: Type.Optional(Amount),
  minQty: Type.Optional(Amount),
})
const Precision = Type.Optional(Type.Integer({ minimum: 0, maximum: 30 }))
export const MarketRow = Type.Object({
  symbol: SymbolText,
  status: Type.Optional(Type.String()),
  /** The name of the field in coin-margined futures. */
  contractStatus: Type.Optional(Type.String()),
  baseAsset: Type.String(),
  quoteAsset: Type.String(),
  baseAssetPrecision: Precision,
  quotePrecision: Precision,
  quoteAssetPrecision: Precision,
  isSpotTradingAllowed: Type.Optional(Type.Boolean()),
  filters: Type.Array(Filter),
})
export const ExchangeInfo = Type.Object({ symbols: Type.Array(MarketRow) })

/** Rows of 12 fields, of which we hold the first nine. */
export const KlineRows = Type.Array(Type.Array(Type.Unknown(), { minItems: 9 }))
/** Open time, o, h, l, c, base volume, close time, quote volume, trades. */
export const KlineRow = Type.Tuple([Time, Amount, Amount, Amount, Amount, Amount, Time, Amount, Count])

export const RestTrade = Type.Object({ id: Id, price: Amount, qty: Amount, time: Time, isBuyerMaker: Type.Boolean() })
export const RestTrades = Type.Array(RestTrade)
export const AggregateTrades = Type.Array(AggregateTrade)

/** Without best prices for `type=MINI` and on futures. */
export const RestTicker = Type.Object({
  symbol: SymbolText,
  lastPrice: Amount,
  bidPrice: Type.Optional(Amount),
  askPrice: Type.Optional(Amount),
  openPrice: Amount,
  highPrice: Amount,
  lowPrice: Amount,
  volume: Amount,
  quoteVolume: Amount,
  closeTime: Time,
})
export const RestTickers = Type.Array(RestTicker)
export const NewestIds = Type.Array(Type.Object({ symbol: SymbolText, lastId: MaybeId }))

export const Account = Type.Object({
  canTrade: Type.Boolean(),
  canWithdraw: Type.Optional(Type.Boolean()),
  canDeposit: Type.Optional(Type.Boolean()),
  permissions: Type.Optional(Type.Array(Type.String())),
})

/** The body of a refusal. */
export const Refusal = Type.Object({ code: Type.Integer(), msg: Type.String() })

export type StreamTrade = Static<typeof StreamTrade>
export type StreamAggregateTrade = Static<typeof StreamAggregateTrade>
export type StreamTicker = Static<typeof StreamTicker>
export type StreamBookTicker = Static<typeof StreamBookTicker>
export type StreamDepth = Static<typeof StreamDepth>
export type AggregateTrade = Static<typeof AggregateTrade>
export type RestTrade = Static<typeof RestTrade>
export type RestTicker = Static<typeof RestTicker>
export type MarketRow = Static<typeof MarketRow>
export type StreamKline = Static<typeof StreamKline>
export type KlineRow = Static<typeof KlineRow>
export type Depth = Static<typeof Depth>
