import type { Trade } from '../../domain/trade.ts'
import { toMs } from '../amount.ts'
import { createSymbolTable, createTextScanner } from '../scan.ts'

const WRAPPER = Buffer.from('{"stream":"')
const AFTER_STREAM = Buffer.from('","data":')
const EVENT = Buffer.from('{"e":"trade","E":')
const SYMBOL = Buffer.from(',"s":"')
const ID = Buffer.from('","t":')
const PRICE = Buffer.from(',"p":"')
const QUANTITY = Buffer.from('","q":"')
const TIME = Buffer.from('","T":')
const MAKER = Buffer.from(',"m":')
const IGNORED = Buffer.from(',"M":')

/**
 * Reads the one frame that comes most often, a spot trade, straight from its bytes, wrapped or bare:
 * `{"stream":"btcusdt@trade","data":{"e":"trade","E":…,"s":"BTCUSDT","t":…,"p":"…","q":"…","T":…,"m":true,"M":true}}`.
 * Every byte is checked. `undefined` says nothing of the frame but that it is not of this layout:
 * then JSON.parse and the schema decide.
 */
export function createTradeScanner(): (frame: Buffer, received: number) => Trade | undefined {
  const text = createTextScanner()
  const symbols = createSymbolTable()

  return (frame, received) => {
    const wrapped = text.start(frame).skip(WRAPPER)
    if (wrapped && !(text.skipString() && text.skip(AFTER_STREAM))) return undefined
    if (!text.skip(EVENT) || text.integer() < 0 || !text.skip(SYMBOL)) return undefined
    const from = text.position()
    if (!text.skipString()) return undefined
    const symbol = symbols.intern(frame, from, text.position())
    if (symbol === undefined || !text.skip(ID)) return undefined
    const id = text.integer()
    if (id < 0 || !text.skip(PRICE)) return undefined
    const price = text.decimal()
    if (!(price > 0) || !text.skip(QUANTITY)) return undefined
    const quantity = text.decimal()
    if (!(quantity > 0) || !text.skip(TIME)) return undefined
    const time = text.integer()
    if (time < 0 || !text.skip(MAKER)) return undefined
    const maker = text.boolean()
    if (maker === undefined || !text.skip(IGNORED) || text.boolean() === undefined || !text.end(wrapped ? 2 : 1)) {
      return undefined
    }
    return {
      type: 'trade',
      exchange: 'binance',
      symbol,
      id,
      count: 1,
      price,
      quantity,
      side: maker ? 'sell' : 'buy',
      time: toMs(time),
      received,
    }
  }
}
