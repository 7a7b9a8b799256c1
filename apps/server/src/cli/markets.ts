import type { Market } from '../domain/market.ts'
import { plainSymbol } from '../domain/market.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { failure, isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000

/**
 * The exchange's markets, and its clock minus ours in ms; asks again with growing pauses for as long as it can't be reached.
 * Rejects with what asking again can't help (a blocked country, an answer that is no list), or the signal's reason.
 */
export async function askUntilAnswered(
  rest: RestClient,
  log: Logger,
  signal: AbortSignal,
): Promise<{ markets: Market[]; clockOffset: number }> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    try {
      const markets = await rest.ask(rest.exchange.rest.markets(), { signal })
      const asked = Date.now()
      const theirs = await rest.ask(rest.exchange.rest.time(), { signal })
      return { markets, clockOffset: Math.round(theirs - (asked + Date.now()) / 2) }
    } catch (error) {
      if (signal.aborted) return { markets: [], clockOffset: 0 }
      if (!isFailure(error) || !error.retry) throw error
      log.warn({ exchange: rest.exchange.id, reason: error.message, waitMs: wait }, 'no list of markets yet')
      await pause(wait, signal)
    }
  }
}

/** Resolves early when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })

/** The wanted symbols in plain spelling; `*` is all that trade. Throws `SYMBOL_NOT_FOUND` for one the exchange lacks. */
export function chooseSymbols(exchange: string, wanted: readonly string[], markets: readonly Market[]): string[] {
  const trading = new Set(markets.filter(({ status }) => status === 'trading').map(({ symbol }) => symbol))
  if (wanted.includes('*')) return [...trading]
  const symbols = [...new Set(wanted.map(plainSymbol))]
  const unknown = symbols.find((symbol) => !markets.some((market) => market.symbol === symbol))
  if (unknown !== undefined && markets.length > 0) throw failure('SYMBOL_NOT_FOUND', { exchange, symbol: unknown })
  return symbols
}
