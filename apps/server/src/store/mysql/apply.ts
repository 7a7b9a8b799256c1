import type { Candle } from '../../domain/candle.ts'
import type { Coverage } from '../../domain/coverage.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { Market, MarketId } from '../../domain/market.ts'
import type { Message } from '../../domain/message.ts'
import type { Trade } from '../../domain/trade.ts'
import type { Job } from '../store.ts'
import { writeCandles } from './candles.ts'
import { writeCoverage } from './coverage.ts'
import { writeJobs } from './jobs.ts'
import { saveMarkets } from './laravel.ts'
import { writeLedger } from './ledger.ts'
import { writeMessages } from './messages.ts'
import type { Names } from './names.ts'
import { type PruneOp, prune } from './prune.ts'
import type { Server } from './server.ts'
import { bulkFind, type Session } from './sql.ts'
import { writeTrades } from './trades.ts'

/** What is to be written. */
export type Op =
  | { readonly kind: 'candles'; readonly list: readonly Candle[] }
  | { readonly kind: 'trades'; readonly list: readonly Trade[]; readonly covered: readonly Coverage[] }
  | { readonly kind: 'cover'; readonly list: readonly Coverage[] }
  | { readonly kind: 'ledger'; readonly list: readonly LedgerRow[] }
  | { readonly kind: 'job'; readonly list: readonly Job[] }
  | { readonly kind: 'markets'; readonly list: readonly Market[] }
  | { readonly kind: 'messages'; readonly list: readonly Message[] }
  | PruneOp

/** What an op adds to a transaction. */
export function rowsOf(op: Op): number {
  if (op.kind === 'prune') return op.limit
  return op.kind === 'trades' ? op.list.length + op.covered.length : op.list.length
}

type Lists = { [K in Exclude<Op['kind'], 'prune'>]: Extract<Op, { kind: K }>['list'][number][] }

const lock = bulkFind<[number]>(
  (places) => `SELECT id FROM trading_pairs WHERE id IN (${places}) ORDER BY id FOR UPDATE`,
)

/**
 * Writes ops in one transaction, those of a kind together. Returns how many rows were deleted as too old.
 * A writer first takes the rows of its markets, ascending: writers of one market take turns, in all processes, and none
 * waits for another that waits for it.
 */
export function applier(server: Server, names: Names, now: () => number) {
  return async (ops: readonly Op[]): Promise<number> => {
    const lists = gather(ops)
    await numberAll(server.writing, names, lists)
    return server.transaction(async (session) => {
      const markets = [...lists.candles, ...lists.trades, ...lists.cover, ...lists.ledger, ...lists.markets].map(
        names.market,
      )
      await lock(
        session,
        [...new Set(markets)].sort((a, b) => a - b),
      )
      if (lists.candles.length > 0) await writeCandles(session, names, lists.candles, now())
      await writeTrades(session, names, lists.trades)
      await writeCoverage(session, names, lists.cover)
      await writeLedger(session, names, lists.ledger)
      await writeJobs(session, lists.job)
      await saveMarkets(session, names, lists.markets, now())
      await writeMessages(session, lists.messages)
      let deleted = 0
      for (const op of ops) if (op.kind === 'prune') deleted += await prune(session, op)
      return deleted
    })
  }
}

function gather(ops: readonly Op[]): Lists {
  const lists: Lists = { candles: [], trades: [], cover: [], ledger: [], job: [], markets: [], messages: [] }
  for (const op of ops) {
    if (op.kind === 'candles') for (const one of op.list) lists.candles.push(one)
    if (op.kind === 'trades') {
      for (const one of op.list) lists.trades.push(one)
      for (const one of op.covered) lists.cover.push(one)
    }
    if (op.kind === 'cover') for (const one of op.list) lists.cover.push(one)
    if (op.kind === 'ledger') for (const one of op.list) lists.ledger.push(one)
    if (op.kind === 'markets') for (const one of op.list) lists.markets.push(one)
    if (op.kind === 'messages') for (const one of op.list) lists.messages.push(one)
    if (op.kind === 'job') for (const one of op.list) lists.job.push(one)
  }
  return lists
}

/** Gives numbers to the markets and series that have none yet, each by itself: outside the transaction. */
async function numberAll(session: Session, names: Names, lists: Lists): Promise<void> {
  await names.giveMarkets(session, lists.markets)
  const markets: MarketId[][] = [lists.trades, lists.cover, lists.ledger]
  for (const list of markets) {
    for (const of of list) if (names.market(of) === undefined) await names.giveMarket(session, of)
  }
  for (const of of lists.candles) if (names.series(of) === undefined) await names.giveSeries(session, of)
}
