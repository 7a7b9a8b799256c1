import fc from 'fast-check'
import type { Trade } from '../src/domain/trade.ts'

/** A trade of 1 at 100 at the epoch, but for what is given. */
export const aTrade = (given: Partial<Trade>): Trade => ({
  type: 'trade',
  exchange: 'binance',
  symbol: 'BTCUSDT',
  id: 1,
  count: 1,
  price: 100,
  quantity: 1,
  side: 'buy',
  time: 0,
  received: 0,
  ...given,
})

/** Steps between trades, ms: bursts, pauses, and now and then days. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 90_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 * 86_400_000 }) },
)

/** Trades of one market in the order of their ids and times, with prices and quantities of up to 8 decimals. */
export const trades = (steps: fc.Arbitrary<number> = step, from = 1_700_000_000_000): fc.Arbitrary<Trade[]> =>
  fc
    .array(
      fc.record({
        step: steps,
        count: fc.integer({ min: 1, max: 3 }),
        price: fc.integer({ min: 1, max: 10_000_000 }),
        quantity: fc.integer({ min: 1, max: 10_000_000_000 }),
      }),
      { minLength: 1, maxLength: 60 },
    )
    .map((list) => {
      let id = 1_000
      let time = from
      return list.map(({ step, count, price, quantity }) => {
        time += step
        const made = aTrade({ id, count, price: price / 1e4, quantity: quantity / 1e8, time, received: time })
        id += count
        return made
      })
    })
