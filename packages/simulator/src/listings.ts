import type { Exchange, Listing } from './exchange.ts'
import { createBook } from './market/book.ts'
import { generatedTape } from './market/generated.ts'
import { dayMs, minuteMs } from './market/grid.ts'
import { createMarket } from './market/market.ts'
import { type RecordedTrade, recordedTape } from './market/recorded.ts'
import { readRecording } from './market/recorded-file.ts'
import { createStats } from './market/stats.ts'
import { splitSymbol, symbolModels, symbolNames } from './market/symbols.ts'
import type { Tape } from './market/tape.ts'
import type { SimulatorOptions } from './options.ts'

const mostSymbols = 500
const defaultSymbols = 10
const defaultHistoryMs = 2 * dayMs
const spareBars = 2_880

const readTrades = async (
  recorded: NonNullable<SimulatorOptions['recorded']>,
): Promise<Map<string, RecordedTrade[]>> => {
  if ('file' in recorded) return readRecording(recorded.file, recorded.symbol)
  const trades: RecordedTrade[] = []
  for await (const trade of recorded.trades) trades.push(trade)
  return new Map([[recorded.symbol, trades]])
}

const recordedTapes = async (recorded: NonNullable<SimulatorOptions['recorded']>): Promise<Tape[]> =>
  [...(await readTrades(recorded))].map(([symbol, trades]) => {
    const [base, quote] = splitSymbol(symbol)
    return recordedTape({ symbol, base, quote }, trades)
  })

const generatedTapes = ({ seed = 1, symbols = defaultSymbols, tradesPerSecond }: SimulatorOptions): Tape[] => {
  const names = typeof symbols === 'number' ? symbolNames(symbols) : symbols
  if (names.length === 0 || names.length > mostSymbols) throw new Error(`symbols: from 1 to ${mostSymbols}`)
  return symbolModels(seed, names, tradesPerSecond ?? names.length * 2).map((model) => generatedTape(seed, model))
}

const firstTrade = (tapes: readonly Tape[]): number =>
  Math.min(...tapes.map((tape) => tape.minute(tape.minuteOf(0))[0]?.at ?? Number.POSITIVE_INFINITY))

/**
 * The listed markets and the moment at which the clock starts: the given one; else now, or just before the first trade
 * of a recording. Throws when a recording cannot be read or a symbol's quote currency is unknown.
 */
export const openListings = async (
  options: SimulatorOptions,
): Promise<{ start: number } & Omit<Exchange, 'clock' | 'tickerMs'>> => {
  const { recorded, seed = 1, historyMs = defaultHistoryMs } = options
  const tapes = recorded ? await recordedTapes(recorded) : generatedTapes(options)
  const start = options.start ?? (recorded ? firstTrade(tapes) - 1 : Date.now())
  const earliest = recorded ? Math.min(start, firstTrade(tapes)) : start
  const listed = Math.floor((earliest - historyMs) / minuteMs) * minuteMs
  const keptBars = Math.ceil(historyMs / minuteMs) + spareBars
  const open = (tape: Tape, from: number): Listing => {
    const market = createMarket(tape, from, keptBars)
    return { market, book: createBook(seed, market), stats: createStats(market) }
  }
  return {
    start,
    listings: new Map(tapes.map((tape) => [tape.spec.symbol, open(tape, listed)])),
    delisted: new Map(),
    create(symbol, tradesPerSecond, now) {
      const [model] = symbolModels(seed, [symbol], { [symbol]: tradesPerSecond })
      return open(generatedTape(seed, model!), Math.floor(now / minuteMs) * minuteMs)
    },
  }
}
