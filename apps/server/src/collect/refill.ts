import type { MarketId } from '../domain/market.ts'
import type { Trade } from '../domain/trade.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { pause } from './backoff.ts'
import type { Line } from './line.ts'
import type { CollectSettings } from './settings.ts'

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly settings: CollectSettings
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => number
  readonly room: (signal: AbortSignal) => Promise<void>
  readonly market: MarketId
  readonly line: Line
  /** Whether to go up to the newest trade there is, rather than only until the held trades join. */
  readonly toNewest: () => boolean
  readonly changed: () => void
  /** Whether REST's word for a trade is to be taken. */
  readonly confirm: (trade: Trade) => boolean
}

/**
 * Reads the trades after the last one by id, page by page, in order.
 * `joined`: nothing is missing; `asked` is when the last page was asked for, our clock, ms;
 * `taken` counts the trades that were new.
 * `absent`: the exchange does not have the missing ids. Rejects as `RestClient.ask` does.
 */
export async function catchUp(
  deps: Deps,
  signal: AbortSignal,
): Promise<{ outcome: 'joined' | 'absent'; asked: number; taken: number }> {
  const { exchange, rest, settings, log, metrics, market, line, confirm, now } = deps
  const limit = exchange.limits.tradesPerRequest
  let sum = 0
  for (let fruitless = 0; ; ) {
    await deps.room(signal)
    signal.throwIfAborted()
    const fromId = line.next()
    if (fromId === undefined) throw new Error('the line has not begun')
    const asked = now()
    const request = exchange.rest.tradesFrom({ symbol: market.symbol, fromId, limit })
    const page = await rest.ask(request, { priority: 'live', signal })
    const first = page[0]
    const last = page.at(-1)
    // Counted by ids: an adapter leaves out rows that are no trades.
    const full = typeof last?.id === 'number' && last.id + last.count - fromId >= limit
    if (first && fromId > 0 && typeof first.id === 'number' && first.id > fromId && line.next() === fromId) {
      metrics.holes.inc({ exchange: exchange.id, outcome: 'absent' })
      log.warn(
        { ...market, from: fromId, to: first.id, hole: line.lose(first) },
        'the exchange no longer has these trades',
      )
    }
    const taken = takeTrusted(line, page, confirm)
    metrics.trades.inc({ exchange: exchange.id, origin: 'refill' }, taken)
    sum += taken
    if (taken) deps.changed()
    if (!line.gap() && (!full || !deps.toNewest())) return { outcome: 'joined', asked, taken: sum }
    fruitless = taken ? 0 : fruitless + 1
    // REST may be a little behind the socket.
    if (fruitless >= settings.refillAttempts) return { outcome: 'absent', asked, taken: sum }
    if (!full) await pause(settings.reorderMs, signal)
  }
}

/** A trade that can't be right even by REST is given up: the page goes on behind it, with a hole. How many were new. */
export function takeTrusted(line: Line, page: readonly Trade[], confirm: (trade: Trade) => boolean): number {
  const wrong = page.findIndex((trade) => isNews(line, trade) && !confirm(trade))
  if (wrong < 0) return line.page(page)
  const taken = line.page(page.slice(0, wrong))
  const rest = page.slice(wrong + 1)
  const next = rest.findIndex((trade) => isNews(line, trade) && confirm(trade))
  if (next < 0) return taken
  line.lose(rest[next]!)
  return taken + takeTrusted(line, rest.slice(next), confirm)
}

const isNews = (line: Line, { id }: Trade): boolean => typeof id === 'number' && id >= (line.next() ?? 0)
