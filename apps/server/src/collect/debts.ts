import type { Interval } from '../domain/coverage.ts'
import type { MarketId } from '../domain/market.ts'
import type { Trade } from '../domain/trade.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Line } from './line.ts'
import { isProvable, upWithin } from './proof.ts'

/** Trades that were given up because REST was away for too long, ids `to` exclusive, and the hole that was told of. */
interface Debt {
  from: number
  readonly to: number
  readonly hole: Interval
}

/** More than this is left to the repair of candles. */
const MOST = 64

interface Deps {
  readonly exchange: Exchange
  readonly rest: RestClient
  readonly market: MarketId
  readonly line: Line
  readonly room: (signal: AbortSignal) => Promise<void>
  readonly changed: () => void
  /** Our clock, ms. */
  readonly now: () => number
  /** Whether REST's word for a trade is to be taken. */
  readonly confirm: (trade: Trade) => boolean
}

/** What a market still owes: the feed went on behind a hole, and the hole is filled once REST is back. */
export function createDebts({ exchange, rest, market, line, room, changed, confirm, now }: Deps) {
  const limit = exchange.limits.tradesPerRequest
  let debts: Debt[] = []
  let doubts: Interval[] = []

  /** Rejects as `RestClient.ask` does; what was paid by then is not asked for again. */
  async function payOne(debt: Debt, signal: AbortSignal): Promise<void> {
    while (debt.from < debt.to) {
      await room(signal)
      signal.throwIfAborted()
      const request = exchange.rest.tradesFrom({ symbol: market.symbol, fromId: debt.from, limit })
      const page = await rest.ask(request, { priority: 'live', signal })
      const own = page.filter(({ id }) => typeof id === 'number' && id >= debt.from && id < debt.to)
      const last = own.at(-1)
      // The exchange no longer has them, or they can't be right: the hole stays.
      if (!last || typeof last.id !== 'number' || own[0]?.id !== debt.from || !own.every(confirm)) return
      debt.from = last.id + last.count
      line.repay(own, debt.from >= debt.to ? debt.hole : undefined)
      changed()
    }
  }

  return {
    /** A hole that lacks no trade: it is none where the exchange was up. */
    doubt(hole: Interval): void {
      if (isProvable(exchange, hole)) doubts = [...doubts, hole].slice(-MOST)
    },
    owe(ids: { readonly from: number; readonly to: number }, hole: Interval): void {
      debts = [...debts, { ...ids, hole }].slice(-MOST)
    },
    any: (): boolean => debts.length + doubts.length > 0,
    async pay(signal: AbortSignal): Promise<void> {
      for (let hole = doubts[0]; hole; hole = doubts[0]) {
        for (const up of await upWithin({ exchange, rest, now }, market.symbol, hole, signal)) line.repay([], up)
        doubts = doubts.slice(1)
        changed()
      }
      for (let debt = debts[0]; debt; debt = debts[0]) {
        await payOne(debt, signal)
        debts = debts.slice(1)
      }
    },
  }
}
