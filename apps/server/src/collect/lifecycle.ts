import type { Bus, MarketChange } from '../bus/bus.ts'
import type { Market } from '../domain/market.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Logger } from '../lib/log.ts'
import { pause } from './backoff.ts'
import { compareLists } from './listing.ts'

export interface LifecycleDeps {
  readonly rest: RestClient
  readonly bus: Pick<Bus, 'publish'>
  readonly log: Logger
  readonly everyMs: number
  readonly now?: () => number
  /** The list that `symbols` were chosen from. */
  readonly known: readonly Market[]
  /** What is collected from the start. */
  readonly symbols: readonly string[]
  /** Every market that trades is wanted: a new one is collected. Otherwise only `symbols`, under whatever name. */
  readonly all: boolean
  readonly add: (symbols: readonly string[]) => void
  readonly remove: (symbols: readonly string[]) => void
  readonly halt: (symbol: string, halted: boolean) => void
  /** The list as it is now, whenever something on it has changed. */
  readonly changed: (markets: readonly Market[]) => void
}

/**
 * Reads the exchange's list of markets again and again: what is new, stands still, goes on, is renamed or gone becomes
 * events (`markets` on the bus), and the set of collected markets follows. A market that comes back under its name is
 * collected again. Nothing here ends anything else: while the list can't be had, everything goes on. Runs until the
 * signal aborts.
 */
export async function followMarkets(deps: LifecycleDeps, signal: AbortSignal): Promise<void> {
  const { rest, bus, log, everyMs, now = Date.now, all } = deps
  const wanted = new Set(deps.symbols)
  const collected = new Set(deps.symbols)
  let known = deps.known

  function start(symbol: string): void {
    collected.add(symbol)
    deps.add([symbol])
  }
  function stop(symbol: string): void {
    if (collected.delete(symbol)) deps.remove([symbol])
  }

  function follow({ symbol, change, before }: MarketChange, trades: boolean): void {
    if (change === 'delisted') stop(symbol)
    if (before !== undefined) {
      if (wanted.has(before)) wanted.add(symbol)
      stop(before)
    }
    if (change !== 'delisted' && !collected.has(symbol) && (wanted.has(symbol) || (all && trades))) start(symbol)
  }

  async function look(): Promise<void> {
    const markets = await rest.ask(rest.exchange.rest.markets(), { priority: 'live', signal })
    if (markets.length === 0) throw new Error('the list of markets is empty')
    const changes = compareLists(known, markets, now())
    known = markets
    if (changes.length > 0) await tell(changes, markets)
    setHalts()
  }

  async function tell(changes: readonly MarketChange[], markets: readonly Market[]): Promise<void> {
    deps.changed(markets)
    const trading = new Set(markets.filter(({ status }) => status === 'trading').map(({ symbol }) => symbol))
    for (const change of changes) {
      const level = collected.has(change.before ?? change.symbol) && change.change !== 'resumed' ? 'warn' : 'info'
      log[level](change, `market ${change.change}`)
      follow(change, trading.has(change.symbol))
    }
    await bus.publish('markets', changes)
  }

  function setHalts(): void {
    for (const { symbol, status } of known) if (collected.has(symbol)) deps.halt(symbol, status === 'halted')
  }

  setHalts()
  while (!signal.aborted) {
    await pause(everyMs, signal)
    if (signal.aborted) return
    try {
      await look()
    } catch (error) {
      if (!signal.aborted) log.warn({ exchange: rest.exchange.id, err: error }, 'the list of markets could not be read')
    }
  }
}
