import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { RecordedTrade } from './recorded.ts'

const Decimal = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?$' })
const Frame = { p: Decimal, q: Decimal, T: Type.Integer(), m: Type.Boolean() }
const tradeFrame = Compile(Type.Object({ ...Frame, e: Type.Literal('trade'), s: Type.String(), t: Type.Integer() }))
const aggregate = Compile(Type.Object({ ...Frame, a: Type.Integer() }))
const wrapped = Compile(Type.Object({ stream: Type.String(), data: Type.Unknown() }))
const unified = Compile(Type.Object({ info: Type.Unknown(), symbol: Type.Optional(Type.String()) }))
const named = Compile(Type.Object({ s: Type.String() }))

type Line = { symbol: string | undefined; trade: RecordedTrade }

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The trade in one line of a recording, whatever its wrapping, or undefined for anything else (books, snapshots). */
const read = (value: unknown, symbol?: string): Line | undefined => {
  if (wrapped.Check(value)) return read(value.data, value.stream.split('@')[0]?.toUpperCase())
  if (unified.Check(value)) return read(value.info, value.symbol?.replace('/', ''))
  const name = named.Check(value) ? value.s : symbol
  if (tradeFrame.Check(value)) {
    return { symbol: name, trade: { id: value.t, price: value.p, qty: value.q, time: value.T, isBuyerMaker: value.m } }
  }
  if (!aggregate.Check(value)) return undefined
  return { symbol: name, trade: { id: value.a, price: value.p, qty: value.q, time: value.T, isBuyerMaker: value.m } }
}

/**
 * Reads recorded trades by symbol from a file of lines, plain or gzip: `<ns> <frame>`, raw or combined stream frames,
 * aggregate trades as the exchange or ccxt writes them. Lines that hold no trade are passed over. `symbol` names the
 * market where the lines do not. Throws when the file cannot be read or holds no trade.
 */
export const readRecording = async (file: string, symbol?: string): Promise<Map<string, RecordedTrade[]>> => {
  const raw = createReadStream(file)
  const input = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw
  raw.on('error', (error) => input.destroy(error))
  const found = new Map<string, RecordedTrade[]>()
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const hit = read(parse(line.slice(line.indexOf('{'))), symbol)
    if (!hit) continue
    if (!hit.symbol) throw new Error(`${file}: its lines do not name their symbol; give one`)
    const trades = found.get(hit.symbol) ?? []
    if (trades.length === 0) found.set(hit.symbol, trades)
    trades.push(hit.trade)
  }
  if (found.size === 0) throw new Error(`${file}: no trades in it`)
  return found
}
