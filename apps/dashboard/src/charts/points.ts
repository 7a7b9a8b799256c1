import type { CandlestickData, HistogramData, UTCTimestamp, WhitespaceData } from 'lightweight-charts'
import { type Bar, findHoles, type Hole, slotsOf } from '../live/bars.ts'
import type { EmptyRun } from './holes.ts'

/** The chart counts in seconds. */
const toChartTime = (ms: number): UTCTimestamp => (ms / 1000) as UTCTimestamp

export const toCandlePoint = ({ time, open, high, low, close }: Bar): CandlestickData<UTCTimestamp> => ({
  time: toChartTime(time),
  open,
  high,
  low,
  close,
})

/** Volume in the colour of its candle, faint enough to stay behind it. */
export const toVolumePoint = (bar: Bar, colors: { up: string; down: string }): HistogramData<UTCTimestamp> => ({
  time: toChartTime(bar.time),
  value: bar.volume,
  color: `${bar.close >= bar.open ? colors.up : colors.down}4d`,
})

/** Points of both series, with empty slots where candles are missing, and where those slots are. */
export function layOut(bars: readonly Bar[], timeframe: string, colors: { up: string; down: string }, tail?: Hole) {
  const empty: WhitespaceData<UTCTimestamp>[] = []
  const runs: EmptyRun[] = []
  for (const hole of [...findHoles(bars, timeframe), ...(tail ? [tail] : [])]) {
    const slots = slotsOf(hole, timeframe).map(toChartTime)
    const [first, last] = [slots[0], slots.at(-1)]
    if (first === undefined || last === undefined) continue
    runs.push({ first, last })
    for (const time of slots) empty.push({ time })
  }
  return {
    candles: weave(bars.map(toCandlePoint), empty),
    volumes: weave(
      bars.map((bar) => toVolumePoint(bar, colors)),
      empty,
    ),
    runs,
  }
}

const weave = <T extends { time: UTCTimestamp }>(
  points: readonly T[],
  empty: readonly WhitespaceData<UTCTimestamp>[],
) => (empty.length ? [...points, ...empty].sort((a, b) => a.time - b.time) : [...points])
