import type { Coverage } from '../domain/coverage.ts'
import type { RestClient } from '../exchanges/rest.ts'

/**
 * A page that begins with nothing may begin before the market did. The exchange's oldest candle tells: what lies before it
 * is no hole but a time without trades. Costs a request only where a page begins with nothing.
 */
export async function sayListing(
  rest: RestClient,
  coverage: readonly Coverage[],
  now: number,
  signal: AbortSignal,
): Promise<readonly Coverage[]> {
  const [first, ...others] = coverage
  if (first?.state !== 'unknown') return coverage
  const { symbol, series } = first
  const oldest = rest.exchange.rest.candles({ symbol, timeframe: series, from: 0, limit: 1, now })
  const [listed] = await rest.ask(oldest, { priority: 'backfill', signal })
  if (!listed || listed.time <= first.from) return coverage
  const unborn: Coverage = { ...first, to: Math.min(first.to, listed.time), state: 'quiet' }
  return unborn.to < first.to ? [unborn, { ...first, from: unborn.to }, ...others] : [unborn, ...others]
}
