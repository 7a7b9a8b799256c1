import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Logger } from '../lib/log.ts'
import { pause } from './backoff.ts'
import type { Connection } from './connection.ts'
import type { MarketFeed } from './market.ts'
import type { CollectSettings } from './settings.ts'

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly settings: CollectSettings
  readonly log: Logger
  readonly now: () => number
  /** The market of this connection that traded last. */
  readonly liveliest: (connection: Connection) => MarketFeed | undefined
}

/**
 * A connection may answer pings and still have gone deaf. One that brings no data for `doubtMs` proves nothing more until
 * REST has been asked for its liveliest market: trades there that the socket did not bring mean a new connection.
 */
export function createDoubt({ exchange, rest, settings, log, now, liveliest }: Deps) {
  const checked = new WeakMap<Connection, number>()
  const asking = new WeakSet<Connection>()
  const trusted = (connection: Connection): number =>
    Math.max(connection.lastDataAt(), checked.get(connection) ?? 0) + settings.doubtMs

  async function check(connection: Connection, signal: AbortSignal): Promise<void> {
    const feed = liveliest(connection)
    const fromId = feed?.expected()
    const asked = now()
    if (feed && fromId !== undefined) {
      const request = exchange.rest.tradesBetween({ symbol: feed.symbol, from: feed.lastTime() + 1, limit: 1 })
      const [traded] = await rest.ask(request, { priority: 'live', signal })
      if (traded && typeof traded.id === 'number' && traded.id + traded.count > fromId) {
        // The socket may only be a little behind REST.
        await pause(settings.graceMs, signal)
        if (signal.aborted || feed.expected() !== fromId || connection.lastDataAt() >= asked) return
        return connection.close('deaf')
      }
    }
    checked.set(connection, asked)
  }

  return {
    /** Until when all that the connection sends is known to have come, our clock, ms. */
    provenAt: (connection: Connection): number => Math.min(connection.lastFrameAt(), trusted(connection)),
    /** Asks about a connection that is in doubt, at most once at a time. */
    tick(connection: Connection, signal: AbortSignal): void {
      if (!connection.open() || asking.has(connection) || now() < trusted(connection) - settings.doubtMs / 2) return
      asking.add(connection)
      check(connection, signal)
        .catch((error: unknown) => {
          if (!signal.aborted)
            log.warn({ exchange: exchange.id, err: error }, 'a silent connection could not be checked')
        })
        .finally(() => asking.delete(connection))
    },
  }
}
