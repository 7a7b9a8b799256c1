import type { Trade } from '../../domain/trade.ts'
import { toMs } from '../amount.ts'
import {
  CLOSE,
  COLON,
  COMMA,
  type Cursor,
  createSymbolTable,
  decimalField,
  integerField,
  OPEN,
  plainString,
  QUOTE,
  truthField,
} from '../scan.ts'

const A = 0x61
const D = 0x64
const E = 0x65
const M = 0x6d
const P = 0x70
const Q = 0x71
const R = 0x72
const S = 0x73
const T = 0x74
const UPPER_E = 0x45
const UPPER_M = 0x4d
const UPPER_T = 0x54

/** `{"stream":"` */
const opensWrapper = (b: Uint8Array): boolean =>
  b[0] === OPEN &&
  b[1] === QUOTE &&
  b[2] === S &&
  b[3] === T &&
  b[4] === R &&
  b[5] === E &&
  b[6] === A &&
  b[7] === M &&
  b[8] === QUOTE &&
  b[9] === COLON &&
  b[10] === QUOTE

/** `","data":` */
const opensData = (b: Uint8Array, i: number): boolean =>
  b[i] === QUOTE &&
  b[i + 1] === COMMA &&
  b[i + 2] === QUOTE &&
  b[i + 3] === D &&
  b[i + 4] === A &&
  b[i + 5] === T &&
  b[i + 6] === A &&
  b[i + 7] === QUOTE &&
  b[i + 8] === COLON

/** `{"e":"trade"` */
const opensTrade = (b: Uint8Array, i: number): boolean =>
  b[i] === OPEN &&
  b[i + 1] === QUOTE &&
  b[i + 2] === E &&
  b[i + 3] === QUOTE &&
  b[i + 4] === COLON &&
  b[i + 5] === QUOTE &&
  b[i + 6] === T &&
  b[i + 7] === R &&
  b[i + 8] === A &&
  b[i + 9] === D &&
  b[i + 10] === E &&
  b[i + 11] === QUOTE

/**
 * Reads the frame that comes most often, a spot trade, straight from its bytes, wrapped or bare:
 * `{"stream":"btcusdt@trade","data":{"e":"trade","E":…,"s":"BTCUSDT","t":…,"p":"…","q":"…","T":…,"m":true,"M":true}}`.
 * Every byte is checked. `undefined` says nothing of the frame but that it is not of this layout:
 * then JSON.parse and the schema decide.
 */
export function createTradeScanner(): (frame: Buffer, received: number) => Trade | undefined {
  const cursor: Cursor = { end: 0 }
  const symbolField = createSymbolTable()

  return (b, received) => {
    let i = 0
    const wrapped = opensWrapper(b)
    if (wrapped) {
      if (!plainString(b, 11, cursor) || !opensData(b, cursor.end)) return undefined
      i = cursor.end + 9
    }
    if (!opensTrade(b, i) || integerField(b, i + 12, UPPER_E, cursor) < 0) return undefined
    const symbol = symbolField(b, cursor.end, S, cursor)
    if (symbol === undefined) return undefined
    const id = integerField(b, cursor.end, T, cursor)
    if (id < 0) return undefined
    const price = decimalField(b, cursor.end, P, cursor)
    if (!(price > 0)) return undefined
    const quantity = decimalField(b, cursor.end, Q, cursor)
    if (!(quantity > 0)) return undefined
    const time = integerField(b, cursor.end, UPPER_T, cursor)
    if (time < 0) return undefined
    const maker = truthField(b, cursor.end, M, cursor)
    if (maker < 0 || truthField(b, cursor.end, UPPER_M, cursor) < 0) return undefined
    const { end } = cursor
    if (b[end] !== CLOSE || (wrapped && b[end + 1] !== CLOSE) || end + (wrapped ? 2 : 1) !== b.length) return undefined
    return {
      type: 'trade',
      exchange: 'binance',
      symbol,
      id,
      count: 1,
      price,
      quantity,
      side: maker === 1 ? 'sell' : 'buy',
      time: toMs(time),
      received,
    }
  }
}
