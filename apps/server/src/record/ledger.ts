import type { Interval } from '../domain/coverage.ts'
import { foldDay, type LedgerRow } from '../domain/ledger.ts'
import { type MarketId, marketKey } from '../domain/market.ts'
import { DAY, MINUTE, openTime, timeframe } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import type { Logger } from '../lib/log.ts'
import type { Store, TradedMarket } from '../store/store.ts'

type LedgerStore = Pick<Store, 'trades' | 'ledger' | 'putLedger' | 'tradedMarkets'>

/** A day is written into the ledger when it has been over for so long, ms: the last trades may still be on their way. */
const SETTLING = MINUTE

/** The first UTC day that is not ready for the ledger: a row is made of whole days, so their trades stay so long. */
export const unfinishedDay = (now: number): number => dayOf(now - SETTLING)

const dayOf = (time: number): number => openTime(timeframe('1d'), time)

/** The UTC days from `from` up to `to` (exclusive) that hold a stored trade, ascending: years may lie between imports. */
export async function tradedDays(
  store: Pick<Store, 'trades'>,
  { exchange, symbol }: MarketId,
  { from, to }: Interval,
): Promise<number[]> {
  const days: number[] = []
  for (let time = from; time < to; ) {
    const [next] = await store.trades({ exchange, symbol }, { from: time, to, limit: 1 })
    if (!next) break
    days.push(dayOf(next.time))
    time = dayOf(next.time) + DAY
  }
  return days
}

/**
 * Computes the ledger row of one day from the stored trades and stores it. A row from which trades may have been
 * deleted since stays, unless at least as many trades are there again.
 */
export async function writeLedgerDay(
  store: LedgerStore,
  { exchange, symbol }: MarketId,
  day: number,
  computedAt: number,
): Promise<LedgerRow> {
  const market = { exchange, symbol }
  const [known] = await store.ledger(market, { from: day, to: day + DAY })
  const { holes: _, doubled: __, ...figures } = await foldDay(day, (range) => store.trades(market, range))
  if (known?.pruned && figures.trades < known.trades) return known
  const row = { ...market, day, ...figures, computedAt, pruned: false }
  await store.putLedger([row])
  return row
}

/** Keeps the ledger: a row for each market and finished day that traded, made before the day's first trades are deleted. */
export function createLedger(store: LedgerStore, log: Logger) {
  /** Days that got trades since their row was computed. */
  const touched = new Map<string, Set<number>>()
  /** The newest finished day whose row has been looked for, by market. */
  const lookedAt = new Map<string, number>()

  function touch(market: MarketId, trades: readonly Trade[]): void {
    if (trades.length === 0) return
    const key = marketKey(market)
    const days = touched.get(key) ?? new Set()
    touched.set(key, days)
    let day = Number.NaN
    for (const { time } of trades) {
      if (time >= day && time < day + DAY) continue
      day = dayOf(time)
      days.add(day)
    }
  }

  /** Finished days of one market whose row is absent or older than their trades. */
  async function due(market: TradedMarket, end: number): Promise<number[]> {
    const key = marketKey(market)
    const days = new Set([...(touched.get(key) ?? [])].filter((day) => day < end))
    const from = lookedAt.get(key) ?? dayOf(market.first)
    const known = new Set((await store.ledger(market, { from, to: end })).map(({ day }) => day))
    for (const day of await tradedDays(store, market, { from, to: end })) if (!known.has(day)) days.add(day)
    return [...days].sort((a, b) => a - b)
  }

  async function write(market: MarketId, day: number, now: number): Promise<void> {
    // Before the trades are read: what comes meanwhile touches the day anew.
    touched.get(marketKey(market))?.delete(day)
    try {
      const { trades } = await writeLedgerDay(store, market, day, now)
      log.info({ ...market, day: new Date(day).toISOString().slice(0, 10), trades }, 'ledger written')
    } catch (error) {
      touched.set(marketKey(market), (touched.get(marketKey(market)) ?? new Set()).add(day))
      throw error
    }
  }

  return {
    /** To be told of all trades that are stored. */
    touch,

    /** Writes the rows of finished days that lack one or have changed. */
    async writeFinished(now: number, signal: AbortSignal): Promise<void> {
      const end = unfinishedDay(now)
      for (const { exchange, symbol, ...times } of await store.tradedMarkets()) {
        const market = { exchange, symbol }
        for (const day of await due({ ...market, ...times }, end)) {
          if (signal.aborted) return
          await write(market, day, now)
        }
        lookedAt.set(marketKey(market), Math.max(end, lookedAt.get(marketKey(market)) ?? 0))
      }
    },

    /** To be called before trades older than `before` are deleted: marks the rows of their days. */
    async seal(before: number, now: number): Promise<void> {
      for (const { exchange, symbol, first } of await store.tradedMarkets()) {
        if (first >= before) continue
        const market = { exchange, symbol }
        const range = { from: dayOf(first), to: before }
        for (const day of await tradedDays(store, market, range)) {
          const [row] = await store.ledger(market, { from: day, to: day + DAY })
          const fresh = row && !touched.get(marketKey(market))?.has(day) ? row : undefined
          const sealed = fresh ?? (await writeLedgerDay(store, market, day, now))
          touched.get(marketKey(market))?.delete(day)
          if (!sealed.pruned) await store.putLedger([{ ...sealed, pruned: true }])
        }
      }
    },
  }
}
