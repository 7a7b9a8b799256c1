import { followMarkets } from '../collect/lifecycle.ts'
import { together } from '../lib/together.ts'
import { askUntilAnswered, chooseSymbols } from './markets.ts'
import type { Parts } from './parts.ts'
import { tellMarkets } from './tellMarkets.ts'

/**
 * All that asks the exchange, from its list of markets on: collects, fills, reconciles, follows the list.
 * Resolves when the signal has aborted and what was received is on the bus; rejects when a role fails.
 */
export async function runIntake(parts: Parts, signal: AbortSignal): Promise<void> {
  const { config, log, exchange, rest, markets, collected, collector, backfill, reconciler } = parts
  const { markets: known, clockOffset } = await askUntilAnswered(rest, log, signal)
  // History asks which candles have closed by then: our own clock may be wrong.
  parts.clock.offset = clockOffset
  for (const market of known) markets.set(market.symbol, market)
  const listing = tellMarkets(parts.store, log, signal)
  listing.put(known)
  collector.know(known)
  const symbols = chooseSymbols(exchange.id, config.symbols, known)
  collect(parts, symbols)
  log.info({ exchange: exchange.id, symbols: symbols.length }, 'collecting')

  const follow = (stop: AbortSignal) =>
    followMarkets(
      {
        rest,
        bus: parts.bus,
        known,
        symbols,
        all: config.symbols.includes('*'),
        everyMs: config.MARKETS_REFRESH_SECONDS * 1_000,
        log: log.child({ role: 'collect' }),
        add: (more) => collect(parts, more),
        remove(less) {
          for (const symbol of less) collected.delete(symbol)
          collector.remove(less)
        },
        halt: collector.halt,
        // What is delisted stays in the catalogue: its history can still be read.
        changed(list) {
          for (const market of list) markets.set(market.symbol, market)
          listing.put(list)
        },
      },
      stop,
    )
  const reconciling = config.RECONCILE ? [reconciler.run] : []
  try {
    await together(signal, [collector.run, backfill.run, follow, ...reconciling])
  } finally {
    await listing.settled()
  }
}

function collect({ collected, collector }: Parts, symbols: readonly string[]): void {
  for (const symbol of symbols) collected.add(symbol)
  collector.add(symbols)
}
