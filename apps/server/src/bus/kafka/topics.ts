import { DAY, HOUR, timeframe } from '../../domain/timeframe.ts'

/** How a topic is made when it is not there. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** ms; the broker's own default when absent. */
  readonly retention?: number
  /** Only the newest record of each key stays. */
  readonly compacted?: true
}

export const families = ['raw', 'ohlcv', 'aggregated', 'trades', 'indicators', 'news', 'symbol', 'legacy'] as const

/** The topics that hold one kind of fact: several names for the same, because different consumers know different ones. */
export type Family = (typeof families)[number]

export const isFamily = (name: string): name is Family => families.some((family) => family === name)

/** Which public topics a deployment writes. */
export interface Profile {
  readonly families: ReadonlySet<Family>
  readonly timeframes: readonly string[]
  /** Topics that name a symbol but no exchange carry this exchange, and only these symbols; none for no such topics. */
  readonly primaryExchange: string
  readonly symbols: ReadonlySet<string>
}

export const INDICATORS = ['rsi', 'macd', 'bollinger', 'momentum'] as const

/** Written by others and read by us. They are made when missing, so that reading can begin before the first writer. */
export const CONSUMED = ['signals', 'executions', 'orders', 'analyzer.signals'] as const

export const DEAD_LETTERS = 'dead-letter'

export const names = {
  raw: 'raw-market-data',
  ohlcv: 'normalized-ohlcv',
  aggregated: (code: string) => `crypto.aggregated.${code}`,
  symbol: (symbol: string, code: string) => `market.data.${symbol}.${code}`,
  legacy: (symbol: string) => `market.data.${symbol}`,
  trades: 'crypto.raw.trades',
  indicators: (type: string) => `crypto.indicators.${type}`,
  news: 'crypto.news',
}

/** Kafka's names are plain ASCII; a symbol that is not has no topic of its own. */
export const isNameable = (symbol: string): boolean => /^[\w.-]{1,200}$/.test(symbol)

const BUSY = 12
const USUAL = 3

/** Every public topic of a profile, with the dead letters and those that are only read. */
export function publicTopics(profile: Profile): TopicSpec[] {
  const { timeframes } = profile
  const frames = timeframes.filter((code) => timeframe(code))
  const symbols = [...profile.symbols].filter(isNameable)
  const specs: Record<Family, () => TopicSpec[]> = {
    raw: () => [{ name: names.raw, partitions: BUSY, retention: HOUR }],
    ohlcv: () => [{ name: names.ohlcv, partitions: BUSY, retention: 7 * DAY }],
    aggregated: () => frames.map((code) => ({ name: names.aggregated(code), partitions: USUAL, retention: 7 * DAY })),
    trades: () => [{ name: names.trades, partitions: BUSY, retention: HOUR }],
    indicators: () => INDICATORS.map((type) => ({ name: names.indicators(type), partitions: USUAL, retention: DAY })),
    news: () => [{ name: names.news, partitions: USUAL, retention: 7 * DAY }],
    symbol: () =>
      symbols.flatMap((symbol) =>
        frames.map((code) => ({ name: names.symbol(symbol, code), partitions: 1, retention: DAY })),
      ),
    legacy: () => symbols.map((symbol) => ({ name: names.legacy(symbol), partitions: 1, retention: DAY })),
  }
  return [
    ...families.filter((family) => profile.families.has(family)).flatMap((family) => specs[family]()),
    { name: DEAD_LETTERS, partitions: USUAL, retention: 7 * DAY },
    ...CONSUMED.map((name) => ({ name, partitions: USUAL })),
  ]
}
