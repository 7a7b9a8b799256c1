import type { ServerStore } from './store.ts'

/**
 * One store over two: every write goes to both, every read to the first. A write resolves when both have committed it;
 * where one fails, the call rejects as that one did, and calling again is safe: what the other has already stays as it is.
 */
export function dualStore(first: ServerStore, second: ServerStore): ServerStore {
  const both = async <R>(call: (store: ServerStore) => Promise<R>): Promise<R> => {
    // Neither is left behind in the middle of a write when the other fails.
    const [one, other] = await Promise.allSettled([call(first), call(second)])
    if (one.status === 'rejected') throw one.reason
    if (other.status === 'rejected') throw other.reason
    return one.value
  }
  return {
    putCandles: (candles) => both((store) => store.putCandles(candles)),
    candles: first.candles,
    revisions: first.revisions,
    series: first.series,
    pruneRevisions: (before) => both((store) => store.pruneRevisions(before)),

    putTrades: (trades, covered) => both((store) => store.putTrades(trades, covered)),
    trades: first.trades,
    lastTrade: first.lastTrade,
    pruneTrades: (before) => both((store) => store.pruneTrades(before)),
    tradedMarkets: first.tradedMarkets,

    putLedger: (rows) => both((store) => store.putLedger(rows)),
    ledger: first.ledger,

    cover: (intervals) => both((store) => store.cover(intervals)),
    coverage: first.coverage,

    putJob: (job) => both((store) => store.putJob(job)),
    job: first.job,
    jobs: first.jobs,
    pruneJobs: (before) => both((store) => store.pruneJobs(before)),

    putMessages: (messages) => both((store) => store.putMessages(messages)),
    messages: first.messages,

    ...((first.putMarkets || second.putMarkets) && {
      putMarkets: (markets) => both(async (store) => store.putMarkets?.(markets)),
    }),

    ping: () => both((store) => store.ping()),
    close: () => both((store) => store.close()),
  }
}
