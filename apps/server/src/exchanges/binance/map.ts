import type { BookUpdate, Level } from '../../domain/book.ts'
import type { Candle } from '../../domain/candle.ts'
import type { Market } from '../../domain/market.ts'
import type { BookTop, Ticker } from '../../domain/ticker.ts'
import { nextOpen, timeframe } from '../../domain/timeframe.ts'
import type { Side, Trade } from '../../domain/trade.ts'
import { parseExact } from '../../lib/decimal.ts'
import { exact, nearest, positive, toMs } from '../amount.ts'
import type {
  AggregateTrade,
  Depth,
  KlineRow,
  MarketRow,
  RestTicker,
  RestTrade,
  StreamAggregateTrade,
  StreamBookTicker,
  StreamDepth,
  StreamKline,
  StreamTicker,
  StreamTrade,
} from './schemas.ts'

/** Pure functions from checked wire messages to our domain. They throw a plain Error on a number we can't trust. */

const exchange = 'binance'

/** The buyer's order waited in the book, so the seller took it. */
const takerSide = (buyerIsMaker: boolean): Side => (buyerIsMaker ? 'sell' : 'buy')

export const streamTrade = ({ s, t, p, q, m, T }: StreamTrade, received: number): Trade => ({
  type: 'trade',
  exchange,
  symbol: s,
  id: t,
  count: 1,
  price: positive(p),
  quantity: positive(q),
  side: takerSide(m),
  time: toMs(T),
  received,
})

export const restTrade = (row: RestTrade, symbol: string, received: number): Trade =>
  streamTrade(
    { E: row.time, s: symbol, t: row.id, p: row.price, q: row.qty, T: row.time, m: row.isBuyerMaker },
    received,
  )

/** Takes the id of the first raw trade it holds and says how many follow. */
export function aggregateTrade({ p, q, f, l, T, m }: AggregateTrade, symbol: string, received: number): Trade {
  if (f < 0 || l < f) throw new Error('an aggregate holds no trades')
  return {
    type: 'trade',
    exchange,
    symbol,
    id: f,
    count: l - f + 1,
    price: positive(p),
    quantity: positive(q),
    side: takerSide(m),
    time: toMs(T),
    received,
  }
}

export const streamAggregateTrade = (message: StreamAggregateTrade, received: number): Trade =>
  aggregateTrade(message, message.s, received)

interface CandleTexts {
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  readonly volume: string
  readonly quoteVolume: string
}

type Figures = 'open' | 'high' | 'low' | 'close' | 'volume' | 'volumeRest' | 'quoteVolume' | 'quoteVolumeRest'

function figures(texts: CandleTexts): Pick<Candle, Figures> {
  const volume = parseExact(texts.volume)
  const quoteVolume = parseExact(texts.quoteVolume)
  return {
    open: positive(texts.open),
    high: positive(texts.high),
    low: positive(texts.low),
    close: positive(texts.close),
    volume: volume.value,
    volumeRest: volume.rest,
    quoteVolume: quoteVolume.value,
    quoteVolumeRest: quoteVolume.rest,
  }
}

export const streamCandle = ({ s, k }: StreamKline): Candle & { type: 'candle' } => ({
  type: 'candle',
  exchange,
  symbol: s,
  timeframe: k.i,
  time: toMs(k.t),
  ...figures({ open: k.o, high: k.h, low: k.l, close: k.c, volume: k.v, quoteVolume: k.q }),
  trades: k.n,
  closed: k.x,
  revision: 0,
  source: 'exchange',
})

/** `now` in ms tells the forming candle, which carries no mark of its own. */
export function restCandle(row: KlineRow, symbol: string, code: string, now: number): Candle {
  const [opened, open, high, low, close, volume, , quoteVolume, trades] = row
  const time = toMs(opened)
  return {
    exchange,
    symbol,
    timeframe: code,
    time,
    ...figures({ open, high, low, close, volume, quoteVolume }),
    trades,
    closed: nextOpen(timeframe(code), time) <= now,
    revision: 0,
    source: 'backfill',
  }
}

interface TickerTexts {
  readonly last: string
  readonly bid: string | undefined
  readonly ask: string | undefined
  readonly open: string
  readonly high: string
  readonly low: string
  readonly volume: string
  readonly quoteVolume: string
}

/** A best price of zero stands for an empty side of the book and is left out. */
const bestPrice = (text: string | undefined): number | undefined => (text && exact(text)) || undefined

function ticker(symbol: string, texts: TickerTexts, time: number, received: number): Ticker {
  const bid = bestPrice(texts.bid)
  const ask = bestPrice(texts.ask)
  return {
    type: 'ticker',
    exchange,
    symbol,
    last: positive(texts.last),
    ...(bid !== undefined && { bid }),
    ...(ask !== undefined && { ask }),
    open: exact(texts.open),
    high: exact(texts.high),
    low: exact(texts.low),
    volume: nearest(texts.volume),
    quoteVolume: nearest(texts.quoteVolume),
    time: toMs(time),
    received,
  }
}

export const streamTicker = ({ E, s, c, o, h, l, v, q, b, a, L }: StreamTicker, received: number): Ticker => ({
  ...ticker(s, { last: c, bid: b, ask: a, open: o, high: h, low: l, volume: v, quoteVolume: q }, E, received),
  ...(L !== undefined && { lastTradeId: L }),
})

export const restTicker = (row: RestTicker, received: number): Ticker =>
  ticker(
    row.symbol,
    {
      last: row.lastPrice,
      bid: row.bidPrice,
      ask: row.askPrice,
      open: row.openPrice,
      high: row.highPrice,
      low: row.lowPrice,
      volume: row.volume,
      quoteVolume: row.quoteVolume,
    },
    row.closeTime,
    received,
  )

/** An empty side is price 0 and quantity 0, as the exchange says it. */
export function bookTop({ s, u, b, B, a, A }: StreamBookTicker, received: number): BookTop {
  const [bid, bidQuantity] = side(b, B)
  const [ask, askQuantity] = side(a, A)
  return { type: 'top', exchange, symbol: s, bid, bidQuantity, ask, askQuantity, sequence: u, received }
}

function side(price: string, quantity: string): Level {
  const level = [exact(price), exact(quantity)] as const
  if ((level[0] === 0) !== (level[1] === 0)) throw new Error('a best price without quantity')
  return level
}

const levels = (rows: Depth['bids']): Level[] => rows.map(([price, quantity]) => [positive(price), exact(quantity)])

export const depthDelta = ({ E, s, U, u, b, a }: StreamDepth, received: number): BookUpdate => ({
  type: 'book',
  kind: 'delta',
  exchange,
  symbol: s,
  firstSequence: U,
  lastSequence: u,
  bids: levels(b),
  asks: levels(a),
  time: toMs(E),
  received,
})

export const depthSnapshot = (
  { lastUpdateId, bids, asks, E }: Depth,
  symbol: string,
  received: number,
): BookUpdate => ({
  type: 'book',
  kind: 'snapshot',
  exchange,
  symbol,
  firstSequence: lastUpdateId,
  lastSequence: lastUpdateId,
  bids: levels(bids),
  asks: levels(asks),
  time: E === undefined ? 0 : toMs(E),
  received,
})

/** rest-api.md, "Symbol status", and the states of older servers. */
const STATUSES = new Set([
  'TRADING',
  'HALT',
  'BREAK',
  'END_OF_DAY',
  'PRE_TRADING',
  'POST_TRADING',
  'AUCTION_MATCH',
  'CANCEL_ONLY',
  // Futures.
  'PENDING_TRADING',
  'PRE_DELIVERING',
  'DELIVERING',
  'DELIVERED',
  'PRE_SETTLE',
  'SETTLING',
  'CLOSE',
])

/** A status we don't know is no promise that it trades. */
export function market(row: MarketRow): Market {
  const filter = (type: string) => row.filters.find(({ filterType }) => filterType === type)
  const lot = filter('LOT_SIZE')
  const status = row.status ?? row.contractStatus
  const trading = status === 'TRADING' && row.isSpotTradingAllowed !== false
  return {
    exchange,
    symbol: row.symbol,
    nativeSymbol: row.symbol,
    base: row.baseAsset,
    quote: row.quoteAsset,
    status: trading ? 'trading' : 'halted',
    priceDecimals: decimals(filter('PRICE_FILTER')?.tickSize, row.quoteAssetPrecision ?? row.quotePrecision),
    quantityDecimals: decimals(lot?.stepSize, row.baseAssetPrecision),
    minQuantity: lot?.minQty ? nearest(lot.minQty) : 0,
    ...(status !== undefined && !STATUSES.has(status) && { unknownStatus: status.slice(0, 32) }),
  }
}

/** Places of a step without its trailing zeros; a step of 0 means that the rule is off, then the asset's own places. */
function decimals(step: string | undefined, precision = 8): number {
  if (step === undefined || Number(step) === 0) return precision
  return step.replace(/\.?0+$/, '').split('.')[1]?.length ?? 0
}
