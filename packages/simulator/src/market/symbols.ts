import { mixText, unit } from './hash.ts'
import type { SymbolSpec } from './tape.ts'

/** A symbol of the generated market: what is listed, and how it behaves. */
export type SymbolModel = SymbolSpec & {
  /** The level around which the price moves, in quote currency. */
  level: number
  /** Mean number of trades a second. */
  rate: number
}

type Known = [base: string, quote: string, level: number, tickDecimals: number, lotDecimals: number]

const known: Known[] = [
  ['BTC', 'USDT', 91_250, 2, 5],
  ['ETH', 'USDT', 3_120, 2, 4],
  ['BNB', 'USDT', 905, 2, 3],
  ['SOL', 'USDT', 142, 2, 3],
  ['XRP', 'USDT', 2.21, 4, 1],
  ['DOGE', 'USDT', 0.158, 5, 0],
  ['ADA', 'USDT', 0.47, 4, 1],
  ['ETH', 'BTC', 0.0342, 5, 4],
  ['TRX', 'USDT', 0.281, 4, 1],
  ['AVAX', 'USDT', 15.4, 2, 2],
  ['LINK', 'USDT', 13.7, 2, 2],
  ['LTC', 'USDT', 96.2, 2, 3],
  ['DOT', 'USDT', 2.85, 3, 2],
  ['BCH', 'USDT', 512, 1, 3],
  ['SUI', 'USDT', 1.72, 4, 1],
  ['NEAR', 'USDT', 2.31, 3, 1],
  ['UNI', 'USDT', 7.4, 3, 2],
  ['XLM', 'USDT', 0.253, 4, 0],
  ['ATOM', 'USDT', 3.02, 3, 2],
  ['FIL', 'USDT', 2.04, 3, 2],
  ['BNB', 'BTC', 0.00992, 6, 3],
  ['SOL', 'ETH', 0.0455, 5, 3],
  ['ETC', 'USDT', 15.9, 2, 2],
  ['BTC', 'USDC', 91_245, 2, 5],
]

const quotes = ['USDT', 'USDC', 'FDUSD', 'TUSD', 'BTC', 'ETH', 'BNB', 'EUR', 'TRY', 'BRL']
const letters = (index: number): string =>
  [676, 26, 1].map((place) => String.fromCharCode(65 + (Math.floor(index / place) % 26))).join('')

/** The names of the first `count` symbols: well-known ones first, then AAAUSDT, AABUSDT and so on. */
export const symbolNames = (count: number): string[] => {
  const names = new Set(known.map(([base, quote]) => base + quote))
  for (let index = 0; names.size < count; index++) names.add(`${letters(index)}USDT`)
  return [...names].slice(0, count)
}

/** Base and quote currency of a symbol whose quote is a known one; throws otherwise. */
export const splitSymbol = (symbol: string): [string, string] => {
  const quote = quotes.find((name) => symbol.endsWith(name) && symbol.length > name.length)
  if (!quote) throw new Error(`symbol ${symbol}: its quote currency is none of ${quotes.join(', ')}`)
  return [symbol.slice(0, -quote.length), quote]
}

const invented = (seed: number, symbol: string): Known => {
  const [base, quote] = splitSymbol(symbol)
  const level = 10 ** (unit(mixText(seed, symbol), 1) * 4.5 - 2) * (quote === 'USDT' ? 1 : 0.01)
  const magnitude = Math.floor(Math.log10(level))
  return [base, quote, level, Math.min(8, Math.max(1, 3 - magnitude)), Math.min(4, Math.max(0, magnitude + 1))]
}

/** How sharply the share of trades falls from the first symbol of the list to the last. */
const skew = 0.8

/**
 * The models of the listed symbols. A number for `tradesPerSecond` is the total of all, the first symbols busy and
 * the last ones quiet; a record names symbols, and those that it leaves out trade once in ten seconds.
 */
export const symbolModels = (
  seed: number,
  symbols: readonly string[],
  tradesPerSecond: number | Readonly<Record<string, number>>,
): SymbolModel[] => {
  const shares = symbols.map((_, index) => (index + 1) ** -skew)
  const whole = shares.reduce((sum, share) => sum + share, 0)
  return symbols.map((symbol, index) => {
    const row = known.find(([base, quote]) => base + quote === symbol) ?? invented(seed, symbol)
    const [base, quote, level, tickDecimals, lotDecimals] = row
    const rate =
      typeof tradesPerSecond === 'number'
        ? (tradesPerSecond * shares[index]!) / whole
        : (tradesPerSecond[symbol] ?? 0.1)
    return { symbol, base, quote, level, tickDecimals, lotDecimals, rate }
  })
}
