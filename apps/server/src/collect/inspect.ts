import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { MarketFeed } from './market.ts'
import type { CollectSettings } from './settings.ts'

/** Markets that would be asked about this soon come along: they cost nothing more. */
const COMPANY_MS = 1_000

/** What a market without trades has; the exchange may leave it out of an answer. */
const NO_ID = -1

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly settings: CollectSettings
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => number
}

/**
 * Asks the exchange for the newest trade ids of the markets that have been silent for unusually long: many markets in a
 * request, one request at a time, within `askShare` of the budget. Whoever has waited longest comes first.
 */
export function createInspector({ exchange, rest, settings, log, metrics, now }: Deps) {
  const { newestIds } = exchange.rest
  const size = exchange.limits.symbolsPerRequest
  const spent: { at: number; weight: number }[] = []
  let asking = false

  function affordable(weight: number): boolean {
    const at = now()
    while (spent[0] && spent[0].at <= at - exchange.limits.weightWindowMs) spent.shift()
    const sum = spent.reduce((total, entry) => total + entry.weight, weight)
    return sum <= Math.max(weight, rest.usage().limit * settings.askShare)
  }

  async function ask(feeds: readonly MarketFeed[], signal: AbortSignal): Promise<void> {
    const request = newestIds({ symbols: feeds.map(({ symbol }) => symbol) })
    const asked = now()
    spent.push({ at: asked, weight: request.weight })
    metrics.silences.inc({ exchange: exchange.id, outcome: 'asked' }, feeds.length)
    const rows = await rest.ask(request, { priority: 'live', signal })
    const ids = new Map(rows.map(({ symbol, id }) => [symbol, id]))
    for (const feed of feeds) {
      const id = ids.get(feed.symbol)
      if (id === undefined && !feed.hasNeverTraded()) feed.unanswered()
      else feed.told(id ?? NO_ID, asked, true)
    }
  }

  /** One market that the exchange does not know spoils the whole question: then each is asked about on its own. */
  async function inspect(feeds: readonly MarketFeed[], signal: AbortSignal): Promise<void> {
    try {
      await ask(feeds, signal)
    } catch (error) {
      if (signal.aborted) return
      for (const feed of feeds) feed.unanswered()
      if (!isFailure(error) || error.retry || feeds.length === 1)
        return log.warn({ exchange: exchange.id, err: error }, 'silent markets could not be asked about')
      for (const feed of feeds) {
        if (!affordable(newestIds({ symbols: [feed.symbol] }).weight)) return
        await inspect([feed], signal)
      }
    }
  }

  return {
    /** Asks about all of them at once, whatever it costs, before the collector stops. */
    async last(feeds: readonly MarketFeed[], signal: AbortSignal): Promise<void> {
      for (let at = 0; at < feeds.length; at += size) await inspect(feeds.slice(at, at + size), signal)
    },
    tick(feeds: Iterable<MarketFeed>, signal: AbortSignal): void {
      if (asking) return
      const at = now()
      const soon = [...feeds].filter((feed) => feed.askAt() <= at + COMPANY_MS)
      if (!soon.some((feed) => feed.askAt() <= at)) return
      const batch = soon.sort((a, b) => a.askAt() - b.askAt()).slice(0, size)
      if (!affordable(newestIds({ symbols: batch.map(({ symbol }) => symbol) }).weight)) return
      asking = true
      inspect(batch, signal).finally(() => {
        asking = false
      })
    },
  }
}
