import { missing } from '../../domain/intervals.ts'
import { nextOpen, openTime } from '../../domain/timeframe.ts'
import { failure } from '../../lib/failure.ts'
import type { Store } from '../../store/store.ts'
import { type CandleQuery, openFrom, type Rows } from './answer.ts'
import { rowText } from './rows.ts'
import type { Source } from './source.ts'

/**
 * The candles of a query as the store held them at `asOf`, our clock, ms. Only what was stored is told: coverage is not
 * kept as of a time, so nothing is drawn for quiet intervals. Throws `INVALID_PARAMETER` for a timeframe that is
 * rolled up for each answer.
 */
export async function knownRows(
  store: Store,
  { market, frame, kept, ...source }: Source,
  { from, to, limit, numbers }: CandleQuery,
  asOf: number,
): Promise<Rows> {
  if (!kept) throw failure('INVALID_PARAMETER', { name: 'as_of', reason: `${frame.code} is not a kept timeframe` })
  const first = from === undefined ? undefined : openFrom({ market, frame, kept, ...source }, from)
  const candles = await store.candles(
    { ...market, timeframe: frame.code },
    { from: first, to: Math.min(to ?? asOf, asOf), limit, newest: first === undefined, asOf },
  )
  const start = first ?? candles[0]?.time
  const full = candles.length === limit && first !== undefined
  // The interval that ran at that time was no hole.
  const end = full
    ? nextOpen(frame, candles.at(-1)!.time)
    : Math.min(openTime(frame, asOf), to === undefined ? Infinity : nextOpen(frame, openTime(frame, to)))
  const present = candles.map(({ time }) => ({ from: time, to: nextOpen(frame, time) }))
  const holes = start === undefined || start >= end ? [] : missing({ from: start, to: end }, present)
  return {
    pieces: candles.map((candle) => Buffer.from(`${rowText(candle, numbers)},`)),
    holes: holes.map((hole) => ({ ...hole, status: 'missing' })),
  }
}
