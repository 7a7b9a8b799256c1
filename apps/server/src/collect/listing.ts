import type { MarketChange } from '../bus/bus.ts'
import type { Market } from '../domain/market.ts'

const listed = (markets: readonly Market[]): Map<string, Market> =>
  new Map(markets.filter(({ status }) => status !== 'delisted').map((market) => [market.symbol, market]))

/**
 * What differs between two answers of the exchange's list. A market that is gone and a new one of the same two
 * currencies are one that was renamed; exchanges do not say so themselves. `time`: our clock, ms.
 */
export function compareLists(before: readonly Market[], after: readonly Market[], time: number): MarketChange[] {
  const old = listed(before)
  const current = listed(after)
  const gone = [...old.values()].filter(({ symbol }) => !current.has(symbol))
  const changes: MarketChange[] = []
  for (const { exchange, symbol, base, quote, status } of current.values()) {
    const known = old.get(symbol)
    if (known && known.status === status) continue
    if (known) {
      changes.push({ exchange, symbol, change: status === 'halted' ? 'halted' : 'resumed', time })
      continue
    }
    const place = gone.findIndex((market) => market.base === base && market.quote === quote)
    const [former] = place < 0 ? [] : gone.splice(place, 1)
    changes.push({
      exchange,
      symbol,
      time,
      ...(former ? { change: 'renamed', before: former.symbol } : { change: 'listed' }),
    })
  }
  for (const { exchange, symbol } of gone) changes.push({ exchange, symbol, change: 'delisted', time })
  return changes
}
