export const MAX_TRADES = 50

export interface Trade {
  /** Unique in the list; the exchange's id where it is known. */
  readonly key: string
  readonly time: number
  readonly price: number
  readonly quantity: number
  readonly side: 'buy' | 'sell'
}

/** A trade of the server. Undefined when its time is none. */
export function toTrade(data: { id?: number | string; time: string; price: number; quantity: number; side: string }) {
  const time = Date.parse(data.time)
  if (!Number.isFinite(time)) return undefined
  const { price, quantity } = data
  const side = data.side === 'sell' ? ('sell' as const) : ('buy' as const)
  return { key: String(data.id ?? `${time}:${price}:${quantity}:${side}`), time, price, quantity, side }
}

/** Newest first, each trade once, at most `MAX_TRADES`. `arrived` is in order of arrival. */
export function addTrades(list: readonly Trade[], arrived: readonly Trade[]): Trade[] {
  const seen = new Set<string>()
  return [...arrived.toReversed(), ...list].filter(({ key }) => !seen.has(key) && seen.add(key)).slice(0, MAX_TRADES)
}
