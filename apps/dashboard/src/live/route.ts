import { timeframes } from './timeframes.ts'

/** What the page shows; kept in the address, so that a link or a reload brings it back. */
export interface Route {
  readonly symbol: string
  readonly timeframe: string
}

const fallback: Route = { symbol: 'BTCUSDT', timeframe: '1m' }

/** Reads `#/BTCUSDT/1m`; what is missing or makes no sense falls back. */
export function readRoute(hash: string, otherwise: Route = fallback): Route {
  const [, symbol = '', timeframe = ''] = /^#\/([^/]*)\/?([^/]*)$/.exec(hash) ?? []
  return {
    symbol: symbolText(decode(symbol)) || otherwise.symbol,
    timeframe: timeframes.includes(timeframe) ? timeframe : otherwise.timeframe,
  }
}

export const writeRoute = ({ symbol, timeframe }: Route): string => `#/${encodeURIComponent(symbol)}/${timeframe}`

/** What a person types as a symbol, in the server's spelling: `btc/usdt ` → `BTCUSDT`. Empty when nothing is left. */
export const symbolText = (typed: string): string =>
  typed
    .toUpperCase()
    .replace(/[\s/_\-*"]/g, '')
    .slice(0, 40)

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
