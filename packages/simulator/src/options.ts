import type { FaultStep } from './faults/faults.ts'
import type { RecordedTrade } from './market/recorded.ts'
import type { Limits } from './rest/limits.ts'

export type ApiKey = { key: string; secret: string }

/** How to start a simulator. Everything has a default; times are ms. */
export type SimulatorOptions = {
  /** TCP port, 0 (the default) for any free one. */
  port?: number
  host?: string
  /** Same seed and symbols, same market, whatever the clock does. */
  seed?: number
  /** Names, or how many (up to 500). */
  symbols?: readonly string[] | number
  /** Where the simulated clock starts: now, or just before the first trade of a recording. */
  start?: number
  /** How many simulated seconds pass in a real one. */
  speed?: number
  /** `manual` stands still until `advance(ms)`. */
  clock?: 'running' | 'manual'
  /** A number is the total of all symbols, busy ones first; a record gives the rate of each symbol. */
  tradesPerSecond?: number | Readonly<Record<string, number>>
  /** How often a running clock is looked at, real ms: what happened meanwhile is sent then. */
  tickMs?: number
  /** How often tickers are sent, ms: 1000, as the exchange does it, unless a long run has to be short of work. */
  tickerMs?: number
  /** How far history reaches back from the start. */
  historyMs?: number
  /** Plays recorded trades instead of the generated market. */
  recorded?:
    | { file: string; symbol?: string }
    | { symbol: string; trades: Iterable<RecordedTrade> | AsyncIterable<RecordedTrade> }
  limits?: Partial<Limits>
  faults?: readonly FaultStep[]
  /** Keys that `account` accepts. */
  keys?: readonly ApiKey[]
}
