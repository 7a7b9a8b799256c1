import type { Market } from '../../domain/market.ts'
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

const FACTS = ['base_currency', 'quote_currency', 'is_active', 'price_decimals', 'quantity_decimals', 'min_quantity']
const unchanged = FACTS.map((name) => `${name} <=> VALUES(${name})`).join(' AND ')
// The assignments are made from left to right: the time has to look at the facts before they change.
const savePairs = bulkInsert(
  'trading_pairs',
  ['id', 'exchange_id', 'symbol', 'created_at', ...FACTS, 'updated_at'],
  `ON DUPLICATE KEY UPDATE updated_at = IF(${unchanged}, updated_at, VALUES(updated_at)), ${takeNew(FACTS)}`,
)

const ACTIVE = 'SELECT id FROM trading_pairs WHERE exchange_id = ? AND is_active = 1'
const DEACTIVATE = 'UPDATE trading_pairs SET is_active = 0, updated_at = ? WHERE id = ?'

/**
 * Brings the rows of `trading_pairs` to what exchanges say of their markets, inside the caller's transaction. A market
 * that its exchange does not list is not active.
 */
export async function saveMarkets(session: Session, names: Names, markets: readonly Market[], now: number) {
  const time = dateTime(now)
  await savePairs(
    session,
    markets.map((market) => [
      names.market(market),
      names.exchange(market.exchange),
      market.symbol,
      time,
      market.base,
      market.quote,
      market.status === 'trading' ? 1 : 0,
      market.priceDecimals,
      market.quantityDecimals,
      market.minQuantity > 0 ? decimalText(market.minQuantity) : null,
      time,
    ]),
  )
  const listed = new Set(markets.map(names.market))
  for (const exchange of new Set(markets.map((market) => names.exchange(market.exchange)))) {
    const active = await session.rows<[number]>(ACTIVE, [exchange])
    for (const [id] of active) if (!listed.has(id)) await session.run(DEACTIVATE, [time, id])
  }
}
