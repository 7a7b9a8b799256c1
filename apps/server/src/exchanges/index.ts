import { failure } from '../lib/failure.ts'
import { binance } from './binance/index.ts'
import type { Exchange } from './exchange.ts'

/** The table of exchanges: a new one is a folder and a row here. */
export const exchanges: Readonly<Record<string, Exchange>> = { binance }

/** Throws `EXCHANGE_NOT_FOUND`. */
export function exchange(id: string): Exchange {
  const found = Object.hasOwn(exchanges, id) ? exchanges[id] : undefined
  if (!found) throw failure('EXCHANGE_NOT_FOUND', { exchange: id })
  return found
}
