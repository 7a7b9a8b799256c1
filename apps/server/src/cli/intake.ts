import { followMarkets } from '../collect/lifecycle.ts'
import { together } from '../lib/together.ts'
import { askUntilAnswered, chooseSymbols } from './markets.ts'
import type { Parts } from './parts.ts'
import type { Part } from './roles.ts'
import { tellMarkets } from './tellMarkets.ts'

/** Parts that need to know which markets the exchange has. */
const ASKING: readonly Part[] = ['collect', 'backfill', 'reconcile', 'api']

/**
 * All that asks the exchange, from its list of markets on: collects, fills, reconciles, follows the list. A process that
 * does none of it asks nothing. Resolves when the signal has aborted and what was received is on the bus; rejects when a
 * role fails.
 */
export async function runIntake(parts: Parts, signal: AbortSignal): Promise<void> {
  const { config, log, exchange, rest, bus, markets, collected, collector, backfill, reconciler } = parts
  const runs = (part: Part) => parts.assignment.parts.has(part)
  if (!ASKING.some(runs)) return idle(signal)
  const { markets: known, clockOffset } = await askUntilAnswered(rest, log, signal)
  // History asks which candles have closed by then: our own clock may be wrong.
  parts.clock.offset = clockOffset
  for (const market of known) markets.set(market.symbol, market)
  const listing = tellMarkets(parts.store, log, signal)
  listing.put(known)
  collector.know(known)
  const symbols = chooseSymbols(exchange.id, config.symbols, known)
  const collecting = runs('collect')
  take(parts, symbols)
  log.info({ exchange: exchange.id, symbols: symbols.length }, collecting ? 'collecting' : 'markets known')

  const follow = (stop: AbortSignal) =>
    followMarkets(
      {
        rest,
        // Who collects tells the others what changes.
        bus: collecting ? bus : { publish: async () => {} },
        known,
        symbols,
        all: config.symbols.includes('*'),
        everyMs: config.MARKETS_REFRESH_SECONDS * 1_000,
        log: log.child({ role: 'collect' }),
        add: (more) => take(parts, more),
        remove(less) {
          for (const symbol of less) collected.delete(symbol)
          if (collecting) collector.remove(less)
        },
        halt: collecting ? collector.halt : () => {},
        // What is delisted stays in the catalogue: its history can still be read.
        changed(list) {
          for (const market of list) markets.set(market.symbol, market)
          listing.put(list)
        },
      },
      stop,
    )
  try {
    await together(signal, [
      follow,
      ...(collecting ? [collector.run] : []),
      ...(runs('backfill') ? [backfill.run] : []),
      ...(runs('reconcile') && config.RECONCILE ? [reconciler.run] : []),
    ])
  } finally {
    await listing.settled()
  }
}

const idle = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

function take({ assignment, collected, collector }: Parts, symbols: readonly string[]): void {
  for (const symbol of symbols) collected.add(symbol)
  if (assignment.parts.has('collect')) collector.add(symbols)
}
