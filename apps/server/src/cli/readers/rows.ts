import { parse } from 'csv-parse/sync'
import { bad, isRejected, type Rejected, skipped, timeOf } from './cells.ts'
import { type Kind, layout } from './columns.ts'
import type { Shape } from './records.ts'

export type Cells = readonly (string | undefined)[]
/** Makes a reader of rows whose cells have these names; throws an Error when a needed name is missing. */
export type Compile<T> = (names: readonly string[]) => (cells: Cells, received?: number) => T | Rejected
/** Reads one record; undefined for one that says nothing (a blank line, a header). */
export type ReadRecord<T> = (text: string) => T | Rejected | undefined

/**
 * A reader of one file's records. `onSeen`: exchange time of any frame of a capture, ms, which shows that the recorder
 * was listening. Throws an Error when the file is of another kind than asked for.
 */
export function recordReader<T>(
  shape: Shape,
  kind: Kind,
  compile: Compile<T>,
  onSeen: (time: number) => void,
): ReadRecord<T> {
  if (shape === 'csv') return csvReader(kind, compile)
  const json = jsonReader(kind, compile)
  return shape === 'frames' ? frameReader(kind, json, onSeen) : (text) => (text.trim() === '' ? undefined : json(text))
}

function csvReader<T>(kind: Kind, compile: Compile<T>): ReadRecord<T> {
  let header: string | undefined
  let width = 0
  let delimiter = ','
  let read: ReturnType<Compile<T>> | undefined
  const begin = (text: string): Cells | undefined => {
    delimiter = [',', ';', '\t'].find((sign) => text.includes(sign)) ?? ','
    const cells = split(text, delimiter)
    const named = !/^\s*-?\d/.test(cells[0] ?? '')
    const names = named ? cells : layout(kind, cells.length)
    if (!names) throw new Error(`${cells.length} columns without a header are no known layout of ${kind}`)
    read = compile(names)
    width = cells.length
    if (!named) return cells
    header = text
    return undefined
  }
  return (text) => {
    if (text === '' || text === header) return undefined
    const cells = read ? split(text, delimiter) : begin(text)
    if (!read || !cells) return undefined
    if (cells.length !== width) return bad(`${cells.length} columns where ${width} are expected`)
    return read(cells)
  }
}

function split(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter)
  const rows: string[][] = parse(text, { delimiter, relax_quotes: true, relax_column_count: true })
  return rows[0] ?? []
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

/** Numbers stay the text they are in the file, so that no digit is lost. */
const keepDigits = (_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === 'number' ? (context?.source ?? String(value)) : value

const cellOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : undefined

function jsonReader<T>(kind: Kind, compile: Compile<T>): (text: string, received?: number) => T | Rejected {
  const byWidth = new Map<number, ReturnType<Compile<T>> | undefined>()
  let keys: string[] | undefined
  let read: ReturnType<Compile<T>> | undefined
  const readArray = (row: readonly unknown[], received?: number): T | Rejected => {
    if (!byWidth.has(row.length)) {
      const names = layout(kind, row.length)
      byWidth.set(row.length, names && compile(names))
    }
    return byWidth.get(row.length)?.(row.map(cellOf), received) ?? bad(`${row.length} values are no row of ${kind}`)
  }
  return (text, received) => {
    const value = parseJson(text)
    if (value === undefined) return bad('no JSON')
    if (Array.isArray(value)) return readArray(value, received)
    const row = isFields(value) ? unwrap(value, kind) : bad('neither an object nor an array')
    if (isRejection(row)) return row
    if (!read || !keys) {
      keys = Object.keys(row)
      read = compile(keys)
    }
    return read(
      keys.map((key) => cellOf(row[key])),
      received,
    )
  }
}

const isRejection = (row: Fields | Rejected): row is Rejected => isRejected(row)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, keepDigits)
  } catch {
    return undefined
  }
}

const EVENT: Record<Kind, string> = { trades: 'trade', aggTrades: 'aggTrade', klines: 'kline' }

/** The row inside a combined-stream frame, a kline frame, or a record of ccxt (whose `info` is the exchange's own). */
function unwrap(value: Fields, kind: Kind): Fields | Rejected {
  const inner = 'stream' in value && isFields(value.data) ? value.data : value
  const event = cellOf(inner.e)
  if (event !== undefined && event !== EVENT[kind]) return skipped(`${event} frame`)
  if (event === undefined && (inner !== value || 'lastUpdateId' in inner)) return skipped('other frame')
  if (kind === 'klines') return isFields(inner.k) ? inner.k : inner
  const info = inner.info
  return isFields(info) && !Array.isArray(info) && ('p' in info || ('price' in info && 'qty' in info)) ? info : inner
}

const FRAME = /^(\d{10,}(?:\.\d+)?):? */
/** Exchange time of an event; in all of Binance's frames it stands near the beginning. */
const EVENT_TIME = /"E": ?(\d{13})/

function frameReader<T>(
  kind: Kind,
  json: (text: string, received?: number) => T | Rejected,
  onSeen: (time: number) => void,
): ReadRecord<T> {
  const mark = `${EVENT[kind]}"`
  return (text) => {
    if (text === '') return undefined
    const prefix = FRAME.exec(text)
    if (!prefix) return text.startsWith('{') ? json(text) : skipped('line without a frame')
    if (!text.endsWith('}')) return bad('the frame is cut short')
    const seen = EVENT_TIME.exec(text.slice(0, 200))?.[1]
    if (seen) onSeen(Number(seen))
    if (!text.includes(mark) && !text.includes(`@${EVENT[kind]}`)) return skipped('other frame')
    return json(text.slice(prefix[0].length), timeOf(prefix[1]!))
  }
}
