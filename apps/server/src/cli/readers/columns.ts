/** What the files hold: single fills, aggregated fills, or candles. */
export type Kind = 'trades' | 'aggTrades' | 'klines'

const TRADE_FIELDS = {
  id: ['t', 'tradeid', 'id', 'a'],
  firstId: ['f', 'firsttradeid', 'firstid'],
  lastId: ['l', 'lasttradeid', 'lastid'],
  price: ['p', 'price'],
  quantity: ['q', 'qty', 'quantity', 'amount', 'size', 'volume', 'v'],
  time: ['T', 'tradetime', 'transacttime', 'transactiontime', 'time', 'timestamp', 'datetime', 'date'],
  maker: ['m', 'isbuyermaker', 'isbuyermarketmaker', 'buyermaker'],
  side: ['side', 'S', 'takerside'],
  symbol: ['s', 'symbol', 'pair', 'instrument'],
  received: ['timestampofreceive', 'receivetime', 'received', 'localtimestamp'],
} as const

const KLINE_FIELDS = {
  time: ['t', 'opentime', 'opentimeinmillis', 'opentimeiniso', 'timestamp', 'time', 'date', 'datetime', 'start'],
  open: ['o', 'open'],
  high: ['h', 'high'],
  low: ['l', 'low'],
  close: ['c', 'close'],
  volume: ['v', 'volume', 'basevolume', 'baseassetvolume', 'vol', 'volumebase'],
  quoteVolume: ['q', 'quotevolume', 'quoteassetvolume', 'qav', 'turnover', 'volumequote'],
  trades: ['n', 'count', 'numtrades', 'numberoftrades', 'trades', 'tradecount'],
  symbol: ['s', 'symbol', 'pair', 'instrument'],
  interval: ['i', 'interval', 'timeframe'],
  closed: ['x', 'closed'],
} as const

export type TradeColumns = Record<keyof typeof TRADE_FIELDS, number>
export type KlineColumns = Record<keyof typeof KLINE_FIELDS, number>

/** Column order of files without a header line, by number of columns: Binance's archives, and plain OHLCV rows. */
const LAYOUTS: Record<Kind, readonly string[]> = {
  trades: ['id', 'price', 'qty', 'quoteqty', 'time', 'isbuyermaker', 'isbestmatch'],
  aggTrades: ['a', 'p', 'q', 'f', 'l', 'T', 'm', 'M'],
  klines: ['opentime', 'open', 'high', 'low', 'close', 'volume', 'closetime', 'quotevolume', 'count', '', '', ''],
}

/** The names of `width` columns without a header, or undefined when no known file looks so. */
export function layout(kind: Kind, width: number): readonly string[] | undefined {
  const names = LAYOUTS[kind]
  if (kind === 'klines' && width === 7) return [...names.slice(0, 6), 'turnover']
  const shortest = kind === 'klines' ? 6 : names.length - 1
  return width >= shortest && width <= names.length ? names.slice(0, width) : undefined
}

/** Where each field of a trade stands among `names`; -1 for a field that is not there. */
export const tradeColumns = (names: readonly string[]): TradeColumns => locate(names, TRADE_FIELDS)

/** Where each field of a candle stands among `names`; -1 for a field that is not there. */
export const klineColumns = (names: readonly string[]): KlineColumns => locate(names, KLINE_FIELDS)

/** Single letters are the exchange's own short names, in which `t` and `T` differ. */
const plain = (name: string): string =>
  name.trim().length === 1 ? name.trim() : name.toLowerCase().replace(/[^a-z0-9]/g, '')

function locate<F extends string>(names: readonly string[], table: Record<F, readonly string[]>): Record<F, number> {
  const plainNames = names.map(plain)
  const found: Partial<Record<F, number>> = {}
  for (const field in table) {
    const name = table[field].find((candidate) => plainNames.includes(candidate))
    found[field] = name === undefined ? -1 : plainNames.indexOf(name)
  }
  return found as Record<F, number>
}

/** The fields a file of this kind must have and these columns lack. */
export function missing(kind: Kind, columns: Partial<Record<string, number>>): string[] {
  const needed = {
    trades: ['id', 'price', 'quantity', 'time'],
    aggTrades: ['firstId', 'lastId', 'price', 'quantity', 'time'],
    klines: ['time', 'open', 'high', 'low', 'close', 'volume'],
  }[kind]
  return needed.filter((field) => (columns[field] ?? -1) < 0)
}
