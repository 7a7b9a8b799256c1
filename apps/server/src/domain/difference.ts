import type { Candle } from './candle.ts'
import { differing, onlyRounding } from './compare.ts'
import { foldTrades } from './fold.ts'
import { timeframe } from './timeframe.ts'
import type { Trade } from './trade.ts'

/**
 * Why a candle of ours differs from the exchange's.
 * `late`: trades of it are still on their way. `missing_trade`, `extra_trade`: we lack trades, or hold some that the
 * exchange does not give. `block_trade`: its candle holds more than all of its public trades, as negotiated ones are
 * not among them. `damaged`: the stored candle is not what its own trades make. `exchange_revision`: the exchange
 * changed its candle. `precision`: the same in other digits. `unexplained`: the trades do not make it.
 */
export type Reason =
  | 'late'
  | 'missing_trade'
  | 'extra_trade'
  | 'block_trade'
  | 'damaged'
  | 'exchange_revision'
  | 'precision'
  | 'unexplained'

/** What is at hand to tell why the two differ. Trades are those of the candle's interval. */
export interface Evidence {
  readonly ours: Candle
  readonly theirs: Candle
  readonly stored: readonly Trade[]
  /** Whether `stored` is held to be every public trade of the interval. */
  readonly whole: boolean
  /** The exchange's own trades, all of them, where they were asked for. */
  readonly given?: readonly Trade[]
  /** The newest trade of the market that is stored. */
  readonly last?: Trade | undefined
}

/** Why two candles of one interval that differ do so, as far as the evidence goes. Pure. */
export function explainDifference(evidence: Evidence): Reason {
  const { ours, theirs, given } = evidence
  if (onlyRounding(ours, theirs, differing(ours, theirs))) return 'precision'
  return given ? byTrades(evidence, given) : byStored(evidence)
}

/** With the exchange's own trades nothing need be guessed. */
function byTrades({ ours, theirs, stored, last }: Evidence, given: readonly Trade[]): Reason {
  const known = new Set(stored.map(({ id }) => id))
  const ids = new Set(given.map(({ id }) => id))
  const lacking = given.filter(({ id }) => !known.has(id))
  // Ids after our newest one have not come yet; the feed will bring them.
  if (last && lacking.length > 0 && lacking.every(({ id }) => id > last.id)) return 'late'
  // Trades are kept for a time only, and candles of the exchange come without any: then the counts must tell.
  if (known.size === 0) {
    if (isTheirs(ours)) return 'exchange_revision'
    const lacks = ours.trades === 0 || ours.trades < countOf(given)
    return lacks ? 'missing_trade' : byFold(theirs, given)
  }
  if (lacking.length > 0) return 'missing_trade'
  if (stored.some(({ id }) => !ids.has(id))) return 'extra_trade'
  return byFold(theirs, given)
}

/** All public trades are the same on both sides: either our candle is not their fold, or the exchange's is not. */
function byFold(theirs: Candle, trades: readonly Trade[]): Reason {
  const [folded] = foldTrades(trades, timeframe(theirs.timeframe))
  if (folded && differing(folded, theirs).length === 0) return 'damaged'
  return theirs.volume > (folded?.volume ?? 0) ? 'block_trade' : 'unexplained'
}

function byStored({ ours, theirs, stored, whole }: Evidence): Reason {
  if (stored.length === 0 && isTheirs(ours)) return 'exchange_revision'
  const [folded] = foldTrades(stored, timeframe(theirs.timeframe))
  if (folded && differing(folded, theirs).length === 0) return 'damaged'
  const mine = folded ?? ours
  const counted = mine.trades > 0 && theirs.trades > 0 && mine.trades !== theirs.trades
  const more = counted ? theirs.trades - mine.trades : theirs.volume - mine.volume
  if (more === 0) return 'unexplained'
  if (more < 0) return 'extra_trade'
  return whole && !counted ? 'block_trade' : 'missing_trade'
}

/** It was the exchange's own when we got it. */
const isTheirs = ({ source }: Candle): boolean => source === 'exchange' || source === 'backfill'

const countOf = (trades: readonly Trade[]): number => trades.reduce((sum, { count }) => sum + count, 0)
