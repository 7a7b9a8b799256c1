import type { Exchange, Listing } from '../exchange.ts'
import { errors } from './errors.ts'
import type { Params } from './params.ts'

/** The listing that `symbol` names. */
export const oneSymbol = (exchange: Exchange, params: Params): Listing => {
  const listing = exchange.listings.get(params.text('symbol') ?? '')
  if (!listing) throw errors.symbol()
  return listing
}

/** The strings of a JSON array, or undefined for anything else. */
export const textList = (value: string): string[] | undefined => {
  try {
    const parsed: unknown = JSON.parse(value)
    if (!Array.isArray(parsed)) return undefined
    const texts = parsed.filter((item) => typeof item === 'string')
    return texts.length === parsed.length ? texts : undefined
  } catch {
    return undefined
  }
}

const listRange = '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\\]$'

/** What `symbol` or `symbols` ask for; `all` when neither is there. `single` says that the answer is no array. */
export const manySymbols = (
  exchange: Exchange,
  params: Params,
): { single: boolean; all: boolean; listings: Listing[] } => {
  if (params.has('symbol') && params.has('symbols')) throw errors.combination()
  if (params.has('symbol')) return { single: true, all: false, listings: [oneSymbol(exchange, params)] }
  const list = params.text('symbols')
  if (list === undefined) return { single: false, all: true, listings: [...exchange.listings.values()] }
  const names = textList(list)
  if (!names || names.length === 0) throw errors.illegal('symbols', listRange)
  const listings = names.map((name) => {
    const listing = exchange.listings.get(name)
    if (!listing) throw errors.symbol()
    return listing
  })
  return { single: false, all: false, listings }
}

/** How many symbols a query names, for the weight: undefined when it names none. */
export const symbolCount = (query: URLSearchParams): number | undefined => {
  if (query.has('symbol')) return 1
  const list = query.get('symbols')
  return list === null ? undefined : (textList(list)?.length ?? 1)
}
