import type { Candle } from '../../domain/candle.ts'
import { SOURCES } from '../codes.ts'
import type { Series } from '../store.ts'
import type { Known } from './fold.ts'
import { SPAN } from './names.ts'
import type { Value } from './sql.ts'

export const FIGURES = [
  'open',
  'high',
  'low',
  'close',
  'volume',
  'volume_rest',
  'quote_volume',
  'quote_volume_rest',
  'trades',
  'revision',
  'source',
]
/** The columns of `CandleRow`, in this order. */
export const CANDLE_COLUMNS = ['id', ...FIGURES, 'known_at'].join(', ')

export type CandleRow = [
  id: number,
  open: number,
  high: number,
  low: number,
  close: number,
  volume: number,
  volumeRest: number,
  quoteVolume: number,
  quoteVolumeRest: number,
  trades: number,
  revision: number,
  source: number,
  knownAt: number,
]

/** What is bound to the columns of `FIGURES`. */
export const figuresOf = (candle: Candle): Value[] => [
  candle.open,
  candle.high,
  candle.low,
  candle.close,
  candle.volume,
  candle.volumeRest,
  candle.quoteVolume,
  candle.quoteVolumeRest,
  candle.trades,
  candle.revision,
  SOURCES.indexOf(candle.source),
]

export const knownOf = ({ exchange, symbol, timeframe }: Series, row: CandleRow): Known => ({
  candle: {
    exchange,
    symbol,
    timeframe,
    time: (row[0] % SPAN) * 1000,
    open: row[1],
    high: row[2],
    low: row[3],
    close: row[4],
    volume: row[5],
    volumeRest: row[6],
    quoteVolume: row[7],
    quoteVolumeRest: row[8],
    trades: row[9],
    closed: true,
    revision: row[10],
    source: SOURCES[row[11]]!,
  },
  knownAt: row[12],
})
