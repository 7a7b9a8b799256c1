import { type Candle, seriesKey } from '../domain/candle.ts'
import type { Coverage } from '../domain/coverage.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { marketKey } from '../domain/market.ts'
import type { Message } from '../domain/message.ts'
import { DAY } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import { failure } from '../lib/failure.ts'

// What every store refuses.

/** Open times reach to the year 2242. */
export const MAX_SECONDS = 2 ** 33 - 1

/** Throws `INVALID_PARAMETER` for a candle that can't be stored. */
export function checkCandle(candle: Candle): void {
  const seconds = candle.time / 1000
  if (!candle.closed) throw bad(candle, 'only closed candles are stored, this one is still forming')
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS)
    throw bad(candle, 'its open time is not a whole second from 1970 to 2242')
  const { open, high, low, close, volume, volumeRest, quoteVolume, quoteVolumeRest, trades, revision } = candle
  const sum = open + high + low + close + volume + volumeRest + quoteVolume + quoteVolumeRest
  // Doubles near the limit may overflow in the sum: only then is each looked at.
  if (!Number.isFinite(sum)) {
    const all = [open, high, low, close, volume, volumeRest, quoteVolume, quoteVolumeRest]
    if (!all.every(Number.isFinite)) throw bad(candle, 'a price or volume is not a number')
  }
  if (!Number.isSafeInteger(trades) || !Number.isSafeInteger(revision))
    throw bad(candle, 'trades and revision must be whole numbers')
}

const bad = (candle: Candle, reason: string) =>
  failure('INVALID_PARAMETER', { name: `candle ${seriesKey(candle)} ${candle.time}`, reason })

/** Throws `INVALID_PARAMETER` for a trade that can't be stored. */
export function checkTrade(trade: Trade): void {
  const whole = Number.isSafeInteger(trade.time) && Number.isSafeInteger(trade.count)
  const id = typeof trade.id === 'string' || Number.isSafeInteger(trade.id)
  const finite = Number.isFinite(trade.price) && Number.isFinite(trade.quantity) && Number.isFinite(trade.received)
  if (whole && id && finite) return
  const reason = id ? 'a number of it is missing or out of range' : 'its id is beyond 2^53, give it as text'
  throw failure('INVALID_PARAMETER', { name: `trade ${marketKey(trade)} ${trade.id}`, reason })
}

/** Throws for an interval that ends before it starts or is not in whole ms. */
export function checkInterval({ from, to }: Coverage): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to))
    throw failure('INVALID_PARAMETER', { name: 'coverage', reason: `${from} to ${to} is not in whole ms` })
  if (from > to) throw failure('INVALID_RANGE', {})
}

/** Throws `INVALID_PARAMETER` for a row whose day does not begin at midnight, or whose figures are no whole numbers. */
export function checkLedger({ day, trades, rows, computedAt, ...of }: LedgerRow): void {
  const whole = [day, trades, rows, computedAt].every((figure) => Number.isSafeInteger(figure) && figure >= 0)
  if (whole && day % DAY === 0) return
  throw failure('INVALID_PARAMETER', { name: `ledger ${marketKey(of)} ${day}`, reason: 'not a day, or not a count' })
}

/** Throws `INVALID_PARAMETER` for a message that can't be stored. */
export function checkMessage({ topic, id, time, received }: Message): void {
  if (![time, received].every(Number.isSafeInteger))
    throw failure('INVALID_PARAMETER', { name: `message ${topic} ${id}`, reason: 'its times must be whole ms' })
}
