import type { Candle } from '../../domain/candle.ts'
import { openTime, type Timeframe } from '../../domain/timeframe.ts'
import { parseExact } from '../../lib/decimal.ts'
import { bad, plainNumber, skipped, timeOf, truth, withoutExponent } from './cells.ts'
import { klineColumns, missing } from './columns.ts'
import type { Compile } from './rows.ts'
import { isSymbol } from './trades.ts'

/** A candle as a file has it, and which of the figures that not every file carries this one does. */
export interface KlineRow {
  readonly candle: Candle
  readonly has: { readonly quoteVolume: boolean; readonly trades: boolean }
  /** The timeframe that the row itself names. */
  readonly interval?: string
}

export interface KlineOptions {
  readonly exchange: string
  readonly symbol: string
  /** Absent while the spacing of the rows is still to be found; then open times are not checked against a grid. */
  readonly frame?: Timeframe
  readonly day?: number
}

/** Compiles a reader of kline rows. Rows off the grid, or whose prices contradict each other, are bad. */
export function klineRows({ exchange, symbol, frame, day }: KlineOptions): Compile<KlineRow> {
  return (names) => {
    const at = klineColumns(names)
    const lacks = missing('klines', at)
    if (lacks.length) throw new Error(`no column for ${lacks.join(', ')} among ${names.join(', ')}`)
    const has = { quoteVolume: at.quoteVolume >= 0, trades: at.trades >= 0 }
    return (cells) => {
      const market = cells[at.symbol]
      if (market !== undefined && !isSymbol(market, symbol)) return skipped(`row of ${market}`)
      if (truth(cells[at.closed]) === false) return skipped('candle still forming')
      const interval = cells[at.interval]
      if (frame && interval !== undefined && interval !== frame.code) return skipped(`row of ${interval}`)
      const time = timeOf(cells[at.time] ?? '', day)
      if (time === undefined) return bad(`open time ${JSON.stringify(cells[at.time])} is none`)
      if (frame && openTime(frame, time) !== time)
        return bad(`${new Date(time).toISOString()} is no open time of ${frame.code}`)
      const [open, high, low, close] = [at.open, at.high, at.low, at.close].map((column) => price(cells[column]))
      if (!open || !high || !low || !close) return bad('a price is no number above 0 of at most 15 digits')
      if (low > Math.min(open, close) || high < Math.max(open, close))
        return bad(`low ${low} and high ${high} do not hold open ${open} and close ${close}`)
      const volume = amount(cells[at.volume])
      const quote = has.quoteVolume ? amount(cells[at.quoteVolume]) : NOTHING
      if (!volume || !quote) return bad('a volume is no number')
      const trades = has.trades ? Number(cells[at.trades] || NaN) : 0
      if (!Number.isSafeInteger(trades) || trades < 0) return bad(`${cells[at.trades]} is no number of trades`)
      const candle: Candle = {
        exchange,
        symbol,
        timeframe: frame?.code ?? '',
        time,
        open,
        high,
        low,
        close,
        volume: volume.value,
        volumeRest: volume.rest,
        quoteVolume: quote.value,
        quoteVolumeRest: quote.rest,
        trades,
        closed: true,
        revision: 0,
        source: 'backfill',
      }
      return interval === undefined ? { candle, has } : { candle, has, interval }
    }
  }
}

const NOTHING = { value: 0, rest: 0 }
const price = (text: string | undefined): number | undefined => plainNumber(text ?? '')

function amount(text: string | undefined): { value: number; rest: number } | undefined {
  const plain = withoutExponent(text ?? '')
  return /^\d+(\.\d+)?$/.test(plain) ? parseExact(plain) : undefined
}
