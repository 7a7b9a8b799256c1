import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import { createLine } from './line.ts'

const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const trade = (id: number): Trade => ({
  ...market,
  type: 'trade',
  id,
  count: 1,
  price: 100,
  quantity: 1,
  side: 'buy',
  time: 1_000 * id,
  received: 1_000 * id + 5,
})
const line = (id = 10, maxHeld = 100) => {
  const made = createLine(market, maxHeld)
  made.begin({ id, since: 0, upTo: 0 })
  return made
}
const ids = (batches: readonly TradeBatch[]) => batches.flatMap((batch) => batch.trades.map((one) => one.id))

describe('a line of trades', () => {
  test('lets trades through in order, once', () => {
    const one = line()
    assert.deepEqual(
      [10, 11, 11, 9, 12].map((id) => one.live(trade(id))),
      ['taken', 'taken', 'duplicate', 'duplicate', 'taken'],
    )
    assert.deepEqual(ids(one.drain(undefined, true)), [10, 11, 12])
    assert.deepEqual(one.drain(undefined, true), [], 'nothing twice')
  })

  test('holds what comes too early and goes on when the missing ones join', () => {
    const one = line()
    one.live(trade(10))
    assert.equal(one.live(trade(13)), 'held')
    assert.equal(one.live(trade(13)), 'duplicate')
    assert.deepEqual(one.gap(), { from: 11, to: 13 })
    assert.equal(one.page([trade(10), trade(11), trade(12), trade(13), trade(14)]), 4)
    assert.equal(one.gap(), undefined)
    assert.deepEqual(ids(one.drain(undefined, true)), [10, 11, 12, 13, 14])
  })

  test('a beginning where an earlier run ended says so, and is measured from when that run saw the market', () => {
    const one = createLine(market, 100)
    const hole = { from: 5_000, to: 5_000 }
    one.begin({ id: 10, since: 5_000, upTo: 5_000, seen: 65_000, hole })
    assert.deepEqual(one.drain(70_000, true), [{ ...market, trades: [], upTo: 70_000, hole }])
    assert.deepEqual(one.drain(130_000, true), [
      { ...market, trades: [], upTo: 130_000, hole: { from: 70_000, to: 130_000 } },
    ])
  })

  test('a hole that is given up stands before the trades that follow it', () => {
    const one = line()
    one.live(trade(10))
    one.live(trade(20))
    assert.deepEqual(one.skip(), { from: 10_000, to: 20_001 })
    const batches = one.drain(undefined, true)
    assert.deepEqual(
      batches.map((batch) => [batch.hole, batch.trades.map((t) => t.id)]),
      [
        [undefined, [10]],
        [{ from: 10_000, to: 20_001 }, [20]],
      ],
    )
  })

  test('claims no more than the ids or the clock prove, and never goes back', () => {
    const one = line()
    one.live(trade(10))
    assert.equal(one.drain(9_000, true)[0]?.upTo, 10_000, 'all before the last trade is here, whatever the clock says')
    assert.equal(one.drain(15_500, true)[0]?.upTo, 15_500, 'a heartbeat')
    assert.deepEqual(one.drain(15_400, true), [])
    assert.deepEqual(one.drain(15_900, false), [], 'no heartbeat was due')
    one.live(trade(12))
    assert.deepEqual(one.drain(undefined, true), [], 'a held trade moves nothing')
  })

  test('starts within a minute: older trades of the first page are left out, the hole goes first', () => {
    const one = createLine(market, 100)
    assert.equal(one.live(trade(14)), 'held', 'what comes before the start is found waits')
    one.begin({ id: 10, since: 12_000, upTo: 0, hole: { from: 0, to: 12_000 } })
    one.page([10, 11, 12, 13].map(trade))
    const batches = one.drain(undefined, true)
    assert.deepEqual(ids(batches), [12, 13, 14])
    assert.deepEqual(batches[0]?.hole, { from: 0, to: 12_000 })
  })

  test('keeps only so many held trades, and asks REST for those it let go', () => {
    const one = line(10, 10)
    for (let id = 20; id < 40; id++) one.live(trade(id))
    assert.ok(one.held() <= 10)
    assert.deepEqual(one.gap()?.from, 10)
    one.page(Array.from({ length: 30 }, (_, index) => trade(10 + index)))
    assert.deepEqual(
      ids(one.drain(undefined, true)),
      Array.from({ length: 30 }, (_, index) => 10 + index),
    )
  })

  test('any disorder, doubling and loss on the socket ends in the truth once REST has been asked', () => {
    const chaos = fc.array(fc.record({ id: fc.integer({ min: 10, max: 60 }), drain: fc.boolean() }), { maxLength: 120 })
    fc.assert(
      fc.property(chaos, fc.integer({ min: 1, max: 20 }), (arrivals, pageSize) => {
        const one = line(10, 8)
        const out: TradeBatch[] = []
        for (const { id, drain } of arrivals) {
          one.live(trade(id))
          if (drain) out.push(...one.drain(undefined, true))
        }
        while (one.next()! <= 60)
          one.page(
            Array.from({ length: pageSize }, (_, index) => trade(one.next()! + index)).filter(
              (t) => Number(t.id) <= 60,
            ),
          )
        out.push(...one.drain(undefined, true))
        assert.deepEqual(
          ids(out),
          Array.from({ length: 51 }, (_, index) => 10 + index),
        )
        assert.equal(one.gap(), undefined)
        for (const [index, batch] of out.entries()) assert.ok(batch.upTo >= (out[index - 1]?.upTo ?? 0))
      }),
    )
  })

  test('a minute that nobody saw alive is a hole, though no id is missing', () => {
    const one = line()
    one.live(trade(10))
    one.drain(20_000, true)
    one.live({ ...trade(11), time: 79_999 })
    assert.equal(one.drain(undefined, true)[0]?.hole, undefined, 'a short pause is within any reconnect')
    one.live({ ...trade(12), time: 139_999 })
    const [batch] = one.drain(undefined, true)
    assert.deepEqual(batch?.hole, { from: 79_999, to: 139_999 })
    assert.deepEqual(ids(batch ? [batch] : []), [12])
  })

  test('neither do heartbeats speak for a time in which there were none', () => {
    const one = line()
    one.live(trade(10))
    one.drain(20_000, true)
    assert.deepEqual(one.drain(79_000, true), [{ ...market, trades: [], upTo: 79_000 }])
    assert.deepEqual(one.drain(200_000, true), [
      { ...market, trades: [], upTo: 200_000, hole: { from: 79_000, to: 200_000 } },
    ])
  })

  test('what was claimed beyond the proof is taken back, but never a trade', () => {
    const one = line()
    assert.deepEqual(one.retract(0), [], 'nothing was claimed')
    one.live(trade(10))
    one.drain(20_000, true)
    const { time } = trade(10)
    assert.deepEqual(one.retract(15_000), [{ ...market, trades: [], upTo: 20_000, doubtFrom: 15_000 }])
    assert.deepEqual(one.retract(0), [{ ...market, trades: [], upTo: 20_000, doubtFrom: time }])
    assert.deepEqual(one.retract(20_000), [])
  })
})
