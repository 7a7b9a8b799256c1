import { SOURCES } from '../codes.ts'
import { type Field, FLOAT8, INT2, INT4, INT8, TIMESTAMP } from './binary.ts'
import type { KnownCandle } from './lane.ts'

/** A candle with the number of its series. */
export interface NumberedCandle extends KnownCandle {
  readonly series: number
}

type Column = readonly [name: string, field: Field<NumberedCandle>]

/** In the order of the table and of `put_candles`. */
const COLUMNS: readonly Column[] = [
  ['series', [INT4, ({ series }) => series]],
  ['time', [TIMESTAMP, ({ candle }) => candle.time]],
  ['open', [FLOAT8, ({ candle }) => candle.open]],
  ['high', [FLOAT8, ({ candle }) => candle.high]],
  ['low', [FLOAT8, ({ candle }) => candle.low]],
  ['close', [FLOAT8, ({ candle }) => candle.close]],
  ['volume', [FLOAT8, ({ candle }) => candle.volume]],
  ['volume_rest', [FLOAT8, ({ candle }) => candle.volumeRest]],
  ['quote_volume', [FLOAT8, ({ candle }) => candle.quoteVolume]],
  ['quote_volume_rest', [FLOAT8, ({ candle }) => candle.quoteVolumeRest]],
  ['trades', [INT8, ({ candle }) => candle.trades]],
  ['revision', [INT8, ({ candle }) => candle.revision]],
  ['source', [INT2, ({ candle }) => SOURCES.indexOf(candle.source)]],
  ['known_at', [INT8, ({ knownAt }) => knownAt]],
]

export const NAMES = COLUMNS.map(([name]) => name)
export const FIELDS = COLUMNS.map(([, field]) => field)
