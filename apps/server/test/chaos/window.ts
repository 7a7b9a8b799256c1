import type { Simulator, TradeBody } from '@candlewire/simulator'
import { type Interval, knownIntervals } from '../../src/domain/coverage.ts'
import type { Store } from '../../src/store/store.ts'
import { candleFaults, rowsOf } from '../compare.ts'
import { type Code, compareTrades, LENGTHS, type Losses, note } from './check.ts'
import { servedFaults } from './served.ts'
import { coverageFaults, haltsOf, unknownParts } from './stillness.ts'

const MINUTE = 60_000

/** A span of a long run: times in exchange ms, on whole hours; ids that came in it: after the first, up to the last. */
export interface Span extends Interval {
  /** Timeframes that are kept. */
  readonly codes: readonly Code[]
  readonly firstIds: ReadonlyMap<string, number>
  readonly lastIds: ReadonlyMap<string, number>
  /** When the server could not ask or hear. */
  readonly hindered: readonly Interval[]
}

/** Holds one span against what happened in it; adds to the losses, answers how many trades there were. */
export async function compareWindow(store: Store, simulator: Simulator, span: Span, losses: Losses): Promise<number> {
  let trades = 0
  for (const symbol of simulator.symbols) trades += await compareMarket(store, simulator, symbol, span, losses)
  return trades
}

async function compareMarket(
  store: Store,
  simulator: Simulator,
  symbol: string,
  { codes, from, to, firstIds, lastIds, hindered }: Span,
  losses: Losses,
): Promise<number> {
  const market = { exchange: 'binance', symbol }
  const after = firstIds.get(symbol) ?? 0
  const last = lastIds.get(symbol) ?? 0
  // What came later may bear a time of the span.
  const happened = simulator.truth.trades(symbol, after + 1)
  const own = happened.filter(({ id }) => id <= last)
  const isOwn = ({ id }: { readonly id: number | string }) => Number(id) > after && Number(id) <= last
  const stored = (await store.trades(market, { from: from - MINUTE, to: to + MINUTE })).filter(isOwn)
  compareTrades(stored, own, own, symbol, losses)

  const coverage = await store.coverage(market, 'trades', { from: from - 10 * MINUTE, to: to + 5 * MINUTE })
  const halts = haltsOf(simulator, symbol)
  for (const text of coverageFaults(coverage, { from, to }, { halts, hindered, trades: happened })) {
    losses.coverage++
    note(losses, `${symbol}: ${text}`)
  }
  const unknown = unknownParts(coverage, from, to)
  const known = knownIntervals(coverage)
  const inTime = ({ time }: TradeBody) => time >= from && time < to
  const within = happened.filter(inTime)
  for (const code of codes) {
    const length = LENGTHS[code]
    const series = { ...market, timeframe: code }
    const rows =
      code === '1m' || code === '5m' ? simulator.truth.candles(symbol, code, from, to - length) : rowsOf(within, length)
    const candles = await store.candles(series, { from, to: to - length })
    const times = new Set(candles.map(({ time }) => time))
    const isKnown = (open: number) => known.some((part) => part.from <= open && open + length <= part.to)
    const due = rows.filter(([open]) => times.has(open) || isKnown(open))
    const faults = [
      ...candleFaults(candles, due),
      ...(await servedFaults(store, series, { from, to }, { halts, unknown })),
    ]
    losses.candles += faults.length
    for (const fault of faults) note(losses, `${symbol} ${code}: ${fault}`)
  }
  return own.length
}
