import type { Candle } from '../../domain/candle.ts'
import { clip } from '../../domain/intervals.ts'
import { nextOpen, openTime } from '../../domain/timeframe.ts'
import { isoTime } from '../text.ts'
import { type Numbers, rowText } from './rows.ts'
import type { Source } from './source.ts'
import { type Hole, joinHoles, readWindow } from './window.ts'

/** What is asked of a series. Bounds are open times, inclusive, ms. */
export interface CandleQuery {
  readonly from?: number
  readonly to?: number
  readonly limit: number
  /** Leaves the forming candle out. */
  readonly closedOnly: boolean
  readonly numbers: Numbers
}

/** Printed rows, in pieces that are each complete rows with a comma after each, and the holes among them. */
export interface Rows {
  readonly pieces: readonly Buffer[]
  readonly holes: readonly Hole[]
}

/** First open time at or after `time`. */
export function openFrom(source: Source, time: number): number {
  const open = openTime(source.frame, time)
  return open === time ? open : nextOpen(source.frame, open)
}

/** Open time of the last interval asked for: never after the one that runs now. */
export const lastOpen = (source: Source, query: CandleQuery, now: number): number =>
  openTime(source.frame, Math.min(query.to ?? now, now))

/** The candles not closed yet that the query reaches. */
export async function formingFor(source: Source, query: CandleQuery): Promise<readonly Candle[]> {
  if (query.closedOnly) return []
  const forming = await source.forming()
  return forming.filter(({ time }) => time >= (query.from ?? 0) && time <= (query.to ?? Infinity))
}

/** The candles of a query, read from the store. */
export async function readRows(source: Source, query: CandleQuery, now: number): Promise<Rows> {
  const { from, limit, numbers } = query
  const end = lastOpen(source, query, now)
  const forming = await formingFor(source, query)
  const first = from === undefined ? undefined : openFrom(source, from)
  const rows = await source.closed({
    ...(first !== undefined && { from: first }),
    to: end,
    limit,
    newest: first === undefined,
  })
  const start = first ?? rows[0]?.time
  if (start === undefined || start > end) return rowsOf(forming.slice(-limit), [], numbers)
  const full = first !== undefined && rows.length === limit
  const stop = nextOpen(source.frame, full ? rows.at(-1)!.time : end)
  const window = await readWindow(source, start, stop, now, rows)
  const candles = withForming(window.candles, forming)
  const chosen = first === undefined ? candles.slice(-limit) : candles.slice(0, limit)
  const shown = {
    from: first ?? chosen[0]!.time,
    to: chosen.length === limit ? nextOpen(source.frame, chosen.at(-1)!.time) : stop,
  }
  return rowsOf(chosen, clip(window.holes, first === undefined ? { ...shown, to: stop } : shown), numbers)
}

/** Forming candles go last, unless their closed selves are there already. */
const withForming = (closed: readonly Candle[], forming: readonly Candle[]): readonly Candle[] => [
  ...closed,
  ...forming.filter(({ time }) => time > (closed.at(-1)?.time ?? -Infinity)),
]

const rowsOf = (candles: readonly Candle[], holes: readonly Hole[], numbers: Numbers): Rows => ({
  pieces: candles.map((candle) => Buffer.from(`${rowText(candle, numbers)},`)),
  holes,
})

const printed = ({ from, to }: Hole) => ({ from: isoTime(from), to: isoTime(to) })

/** The whole answer of `GET /api/v1/crypto/{symbol}/data`, in pieces: joining them would copy every candle once more. */
export function answerPieces(symbol: string, interval: string, { pieces, holes }: Rows, now: number): Buffer[] {
  const head = `{"success":true,"data":{"symbol":${JSON.stringify(symbol)},"interval":"${interval}","data":[`
  const joined = joinHoles(holes)
  const gaps = joined
    .filter(({ status }) => status !== 'quiet')
    .map((hole) => ({ ...printed(hole), status: hole.status }))
  const quiet = joined.filter(({ status }) => status === 'quiet').map(printed)
  const meta = JSON.stringify({ gaps, ...(quiet.length > 0 && { quiet }) })
  const tail = `],"meta":${meta}},"timestamp":"${isoTime(now)}"}`
  const last = pieces.at(-1)
  const body = last ? [...pieces.slice(0, -1), last.subarray(0, -1)] : []
  return [Buffer.from(head), ...body, Buffer.from(tail)]
}
