import type { Candle } from '../../domain/candle.ts'
import { openTime, type Timeframe } from '../../domain/timeframe.ts'
import { type Numbers, rowText } from './rows.ts'
import type { Hole, Window } from './window.ts'

/** Intervals in a segment. */
const BARS = 100

/** A fixed stretch of a series as ready JSON bytes: each row with a comma after it. Never changed once made. */
export interface Segment {
  readonly from: number
  readonly to: number
  readonly times: readonly number[]
  /** Where row n begins; one more than rows, the last is the end. */
  readonly offsets: readonly number[]
  readonly bytes: Buffer
  readonly holes: readonly Hole[]
  readonly before: number | undefined
}

export function createSegment(from: number, to: number, window: Window, numbers: Numbers): Segment {
  const offsets = [0]
  let text = ''
  for (const candle of window.candles) {
    text += `${rowText(candle, numbers)},`
    offsets.push(text.length)
  }
  // Rows are ASCII, so characters are bytes.
  const bytes = Buffer.from(text, 'latin1')
  return { from, to, times: timesOf(window.candles), offsets, bytes, holes: window.holes, before: window.before }
}

const timesOf = (candles: readonly Candle[]): number[] => candles.map(({ time }) => time)

/** Start of the segment that holds `time`. Only frames of fixed length have segments. */
export function segmentStart(frame: Timeframe, time: number): number {
  const slot = (openTime(frame, time) - frame.origin) / frame.ms
  return frame.origin + Math.floor(slot / BARS) * BARS * frame.ms
}

export const segmentLength = (frame: Timeframe): number => BARS * frame.ms

/** Rows `[first, end)` as bytes. */
export const slice = ({ bytes, offsets }: Segment, first: number, end: number): Buffer =>
  bytes.subarray(offsets[first], offsets[end])
