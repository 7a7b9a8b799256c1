/** The symbols of a coverage list, each once, in its order. */
export const symbolsOf = (coverage: readonly { symbol: string }[]): string[] => [
  ...new Set(coverage.map(({ symbol }) => symbol)),
]

/** Matches for what is typed: exact first, then what begins with it, then what holds it. Everything when it is empty. */
export function searchSymbols(symbols: readonly string[], typed: string): string[] {
  const rank = (symbol: string) => (symbol === typed ? 0 : symbol.startsWith(typed) ? 1 : 2)
  return symbols.filter((symbol) => symbol.includes(typed)).sort((a, b) => rank(a) - rank(b))
}

const QUOTES = ['FDUSD', 'USDT', 'USDC', 'TUSD', 'BUSD', 'USD', 'EUR', 'TRY', 'BRL', 'BTC', 'ETH', 'BNB']

/** `BTCUSDT` → base and quote, as far as the quote is one of the usual ones. */
export function splitSymbol(symbol: string): { base: string; quote: string } {
  const quote = QUOTES.find((name) => symbol.endsWith(name) && symbol.length > name.length) ?? ''
  return { base: symbol.slice(0, symbol.length - quote.length), quote }
}
