import { exactText } from '../../lib/decimal.ts'
import type { Known } from './fold.ts'
import type { Names } from './names.ts'
import { bulkInsert, dateTime, type Session, takeNew } from './sql.ts'

const VALUES = ['open', 'high', 'low', 'close', 'volume', 'quote_volume', 'trades_count', 'updated_at']
const COLUMNS = ['id', 'trading_pair_id', 'timeframe', 'open_time', 'created_at', ...VALUES]
const save = bulkInsert('historical_data', COLUMNS, `ON DUPLICATE KEY UPDATE ${takeNew(VALUES)}`)

/** Digits before the point in DECIMAL(36,18). */
const TOO_LARGE = 1e18
/** Digits after the point that the server is given: it rounds to 18 itself. */
const DECIMALS = 24

/** The decimal text of a figure; nothing where DECIMAL(36,18) can't hold it. */
export function decimalText(value: number, rest = 0): string | null {
  if (Math.abs(value + rest) >= TOO_LARGE) return null
  const text = exactText(value, rest)
  const point = text.indexOf('.')
  return point < 0 ? text : text.slice(0, point + 1 + DECIMALS)
}

/** Brings the rows of `historical_data` to what their candles say, inside the caller's transaction. */
export async function saveHistory(
  session: Session,
  names: Names,
  changed: readonly (Known & { readonly key: number })[],
): Promise<void> {
  await save(
    session,
    changed.map(({ key, candle, knownAt }) => {
      const time = dateTime(knownAt)
      return [
        key,
        names.market(candle),
        candle.timeframe,
        dateTime(candle.time),
        time,
        decimalText(candle.open),
        decimalText(candle.high),
        decimalText(candle.low),
        decimalText(candle.close),
        decimalText(candle.volume, candle.volumeRest),
        decimalText(candle.quoteVolume, candle.quoteVolumeRest),
        candle.trades,
        time,
      ]
    }),
  )
}
