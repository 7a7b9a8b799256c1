import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { noRecordings, streamTrades, xrpEthTrades } from '../../test/recordings.ts'
import { aTrade, trades } from '../../test/trades.ts'
import type { Candle } from '../domain/candle.ts'
import { foldTrades } from '../domain/fold.ts'
import { nextOpen, openTime, timeframe } from '../domain/timeframe.ts'
import type { Trade, TradeBatch } from '../domain/trade.ts'
import { createAggregator } from './aggregator.ts'
import type { LateTrade } from './market.ts'

/** Begins a candle of 45s, 5m and 15m, and the second half of one of 2m and 10m. */
const START = 1_700_000_100_000
const MINUTE = 60_000
const market = { exchange: 'binance', symbol: 'BTCUSDT' }

const batch = (trades: readonly Trade[], upTo: number, more: Partial<TradeBatch> = {}): TradeBatch => ({
  ...market,
  trades,
  upTo,
  ...more,
})
const tradeAt = (id: number, seconds: number, price = 100) => aTrade({ id, price, time: START + seconds * 1_000 })
const plain = ({ revision: _, source: __, ...candle }: Candle) => candle
const brief = (candles: readonly Candle[]) =>
  candles.map(
    (c) => `${c.timeframe}@${(c.time - START) / 1000}:${c.open}-${c.close}x${c.trades}r${c.revision}${c.source[0]}`,
  )

/** An aggregator that was told that trades are complete from `START` on, and that nothing traded before. */
function begun(timeframes: readonly string[], latenessMs = 2_000, from = START) {
  const aggregator = createAggregator({ timeframes, latenessMs })
  aggregator.add(batch([], from, { hole: { from: 0, to: from } }))
  for (const waiting of aggregator.waiting(market)) aggregator.complete(waiting, [])
  return aggregator
}

/** The newest revision of each traded candle; fails if one revision comes twice. */
function newest(candles: readonly Candle[]): Candle[] {
  const known = new Map<string, Candle>()
  const seen = new Set<string>()
  for (const candle of candles) {
    const key = `${candle.timeframe} ${candle.time}`
    assert.ok(!seen.has(`${key} ${candle.revision}`), `revision ${candle.revision} of ${key} comes once`)
    seen.add(`${key} ${candle.revision}`)
    assert.ok(candle.revision >= (known.get(key)?.revision ?? 0))
    known.set(key, candle)
  }
  return [...known.values()].filter(({ source }) => source !== 'filled')
}

function assertFolded(candles: readonly Candle[], list: readonly Trade[], codes: readonly string[]): void {
  const traded = newest(candles)
  for (const code of codes) {
    const made = traded.filter(({ timeframe }) => timeframe === code)
    const byTime = made.toSorted((a, b) => a.time - b.time)
    assert.deepEqual(byTime.map(plain), foldTrades(list, timeframe(code)).map(plain), code)
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 })

/** Trades in batches of the given sizes; the watermark is the time of the newest trade. */
function batches(list: readonly Trade[], sizes: readonly number[], end: number): TradeBatch[] {
  const made: TradeBatch[] = []
  let upTo = START
  for (let at = 0, cut = 0; at < list.length; cut++) {
    const part = list.slice(at, at + sizes[cut % sizes.length]!)
    upTo = Math.max(upTo, ...part.map(({ time }) => time))
    made.push(batch(part, upTo))
    at += part.length
  }
  return [...made, batch([], end)]
}

for (const [name, codes, longest] of [
  ['seconds', ['1s', '15s', '45s', '1m', '3m', '5m', '1h'], 40_000],
  ['minutes', ['1m', '5m', '45m', '1h', '4h', '1d'], 5 * 3_600_000],
  ['hours', ['2h', '1d', '3d', '1w', '1M'], 40 * 86_400_000],
] as const) {
  test(`live candles from ${name} on are the fold of the trades, however they are split`, () => {
    const step = fc.oneof(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: longest }))
    fc.assert(
      fc.property(trades(step, START), cuts, fc.integer({ min: 0, max: 5_000 }), (list, sizes, latenessMs) => {
        const aggregator = begun(codes, latenessMs)
        const end =
          list.at(-1)!.time +
          32 * 86_400_000 * (name === 'hours' ? 1 : 0) +
          86_400_000 * (name === 'minutes' ? 1 : 0) +
          3_700_000
        const twice = batches(list, sizes, end).flatMap((one) => [
          one,
          { ...one, upTo: one.trades[0]?.time ?? one.upTo },
        ])
        const candles = twice.flatMap((one) => aggregator.add(one).candles)
        assertFolded(candles, list, codes)
        assert.ok(candles.every(({ revision }) => revision === 0))
      }),
      { numRuns: 25 },
    )
  })
}

test('late trades end in the same candles, by revisions', () => {
  const codes = ['1s', '1m', '5m', '15m']
  const jittered = trades(fc.integer({ min: 0, max: 9_000 }), START + 90_000).chain((list) =>
    fc
      .array(fc.integer({ min: 0, max: 40_000 }), { minLength: list.length, maxLength: list.length })
      .map((back) => list.map((trade, i) => ({ ...trade, time: trade.time - (back[i]! % 3 ? 0 : back[i]!) }))),
  )
  fc.assert(
    fc.property(jittered, cuts, (list, sizes) => {
      const aggregator = begun(codes)
      const steps = batches(list, sizes, START + 2 * 3_600_000).map((one) => aggregator.add(one))
      assert.ok(steps.every(({ late }) => late.length === 0))
      assertFolded(
        steps.flatMap(({ candles }) => candles),
        list,
        codes,
      )
    }),
    { numRuns: 60 },
  )
})

test('a candle closes when the watermark passes its end plus the lateness, smaller ones first', () => {
  const aggregator = begun(['1m', '2m'], 2_000, START - MINUTE)
  assert.deepEqual(aggregator.add(batch([tradeAt(1, 10)], START + 61_999)).candles, [])
  assert.deepEqual(brief(aggregator.add(batch([], START + 62_000)).candles), [
    '1m@0:100-100x1r0t',
    '2m@-60:100-100x1r0t',
  ])
  assert.deepEqual(aggregator.add(batch([], START + 62_000)).candles, [], 'once')
})

test('a trade within the lateness joins its candle although a newer one is open', () => {
  const aggregator = begun(['1s', '1m'])
  const step = aggregator.add(batch([tradeAt(1, 10, 5), tradeAt(2, 11.5, 6), tradeAt(3, 10.9, 7)], START + 12_999))
  assert.deepEqual(brief(step.candles), [])
  assert.equal(step.lateTrades, 0)
  assert.deepEqual(brief(aggregator.add(batch([], START + 14_000)).candles), ['1s@10:5-7x2r0t', '1s@11:6-6x1r0t'])
})

test('a late trade revises its candle and every closed larger one; the open one takes it in once', () => {
  const aggregator = begun(['1m', '2m', '10m'], 2_000, START - MINUTE)
  aggregator.add(batch([tradeAt(1, 10, 5)], START + 70_000))
  const step = aggregator.add(batch([tradeAt(2, 20, 6)], START + 71_000))
  assert.deepEqual(brief(step.candles), ['1m@0:5-6x2r1t', '2m@-60:5-6x2r1t'])
  assert.equal(step.lateTrades, 1)
  const [forming] = aggregator.forming(0).filter((candle) => candle.timeframe === '10m')
  assert.equal(forming?.trades, 2)
})

test('a late trade of a quiet minute turns the flat candle into a traded one', () => {
  const aggregator = begun(['1m'])
  aggregator.add(batch([tradeAt(1, 10, 5)], START + 200_000))
  assert.deepEqual(brief(aggregator.add(batch([tradeAt(2, 70, 6)], START + 200_000)).candles), ['1m@60:6-6x1r1t'])
})

test('a late trade of a candle that has left memory is handed out', () => {
  const aggregator = begun(['1m'])
  const many = Array.from({ length: 80 }, (_, i) => tradeAt(i + 1, i * 60))
  aggregator.add(batch(many, START + 80 * MINUTE + 2_000))
  const late: LateTrade[] = aggregator.add(batch([tradeAt(81, 1)], START + 80 * MINUTE + 3_000)).late
  assert.deepEqual(
    late.map(({ timeframe, open }) => [timeframe, open]),
    [['1m', START]],
  )
})

test('quiet windows are flat at the last price, once one is known', () => {
  const aggregator = begun(['1m', '2m'], 0, START - MINUTE)
  assert.deepEqual(aggregator.add(batch([], START + 60_000)).candles, [])
  const step = aggregator.add(batch([tradeAt(1, 70, 5), tradeAt(2, 80, 6)], START + 300_000))
  assert.deepEqual(
    brief(step.candles),
    [
      '1m@60:5-6x2r0t',
      '2m@60:5-6x2r0t',
      '1m@120:6-6x0r0f',
      '1m@180:6-6x0r0f',
      '1m@240:6-6x0r0f',
      '2m@180:6-6x0r0f',
    ].toSorted((a, b) => order(a) - order(b)),
  )
})
const order = (text: string) => (text.startsWith('1m') ? 0 : 1)

test('while a market is halted nothing is drawn, and what the halt touches is left to history', () => {
  const aggregator = begun(['1s', '1m'], 0)
  const halted = { halted: true as const }
  const first = aggregator.add(batch([tradeAt(1, 0.5)], START + 2_000)).candles
  assert.deepEqual(brief(first), ['1s@0:100-100x1r0t', '1s@1:100-100x0r0f'])
  for (const seconds of [3, 70, 125])
    assert.deepEqual(aggregator.add(batch([], START + seconds * 1_000, halted)).candles, [])
  const after = aggregator.add(batch([tradeAt(2, 126.2, 90)], START + 181_000)).candles
  assert.deepEqual(brief(after).slice(0, 2), ['1s@126:90-90x1r0t', '1s@127:90-90x0r0f'])
  assert.deepEqual(
    after.filter(({ timeframe: code }) => code === '1m'),
    [],
    'the minutes in which it began and ended are asked of history',
  )
  assert.ok(aggregator.isUnsettled(market))
})

test('the last price before the live trades serves the first quiet windows', () => {
  const aggregator = begun(['1m'], 0)
  assert.ok(aggregator.needsClose(market))
  aggregator.setClose(market, 9)
  assert.deepEqual(brief(aggregator.add(batch([], START + 60_000)).candles), ['1m@0:9-9x0r0f'])
})

test('trades seen before are left out, trades of a gap are not', () => {
  const aggregator = begun(['1m'], 2_000)
  aggregator.add(batch([tradeAt(1, 1), tradeAt(5, 5)], START + 6_000))
  const step = aggregator.add(
    batch([tradeAt(1, 1), tradeAt(2, 2), tradeAt(5, 5), tradeAt(2, 2), tradeAt(6, 6)], START + 7_000),
  )
  assert.equal(step.duplicates, 3)
  assert.equal(aggregator.add(batch([], START + 62_000)).candles[0]!.trades, 4)
})

test('trades named by text are told apart too', () => {
  const aggregator = begun(['1m'], 0)
  const named = ['b', 'a', 'b'].map((id, i) => aTrade({ id, price: i + 1, time: START + i }))
  assert.deepEqual(brief(aggregator.add(batch(named, START + 60_000)).candles), ['1m@0:1-2x2r0t'])
})

test('forming candles come at most every 250 ms and only of markets that changed', () => {
  const aggregator = begun(['1s', '1m', '5m'])
  aggregator.add(batch([tradeAt(1, 10, 5), tradeAt(2, 13, 6), tradeAt(3, 13.5, 7)], START + 13_500))
  assert.deepEqual(brief(aggregator.forming(1_000)), ['1s@13:6-7x2r0t', '1m@0:5-7x3r0t', `5m@${fiveMinutes}:5-7x3r0t`])
  assert.deepEqual(aggregator.forming(2_000), [])
  aggregator.add(batch([tradeAt(4, 13.6, 8)], START + 13_600))
  assert.deepEqual(aggregator.forming(1_249), [])
  const forming = aggregator.forming(1_250)
  assert.equal(forming.length, 3)
  assert.ok(forming.every(({ closed, close }) => !closed && close === 8))
})
const fiveMinutes = (Math.floor(START / 300_000) * 300_000 - START) / 1000

test('a candle begun before the live trades waits for its history, others do not', () => {
  const aggregator = createAggregator({ timeframes: ['1m', '2m', '10m'], latenessMs: 0 })
  aggregator.add(batch([], START, { hole: { from: 0, to: START } }))
  assert.deepEqual(
    aggregator.waiting(market).map(({ timeframe, from, to }) => [timeframe, from - START, to - START]),
    [
      ['2m', -MINUTE, 0],
      ['10m', Math.floor(START / 600_000) * 600_000 - START, 0],
    ],
  )
  const step = aggregator.add(batch([tradeAt(1, 10, 5)], START + 61_000))
  assert.deepEqual(brief(step.candles), ['1m@0:5-5x1r0t'])
  assert.deepEqual(aggregator.forming(0), [])
  const history = foldTrades([aTrade({ id: 0, price: 3, time: START - 1 })], timeframe('1m'))
  const [two, ten] = aggregator.waiting(market)
  assert.deepEqual(brief(aggregator.complete(two!, history).candles), ['2m@-60:3-5x2r0t'])
  assert.deepEqual(aggregator.complete(two!, history).candles, [], 'once')
  assert.deepEqual(aggregator.complete(ten!, history).candles, [], 'still open')
  assert.equal(aggregator.forming(1_000).find((candle) => candle.timeframe === '10m')?.trades, 2)
})

test('a hole drops what it touches, and live trades count again from the next minute', () => {
  const aggregator = begun(['1s', '15s', '1m', '5m'], 0)
  aggregator.add(batch([tradeAt(1, 10, 5)], START + 20_000))
  const hole = { from: START + 30_000, to: START + 100_500 }
  const step = aggregator.add(
    batch([tradeAt(9, 101, 7), tradeAt(10, 110, 8), tradeAt(11, 125, 9)], START + 180_000, { hole }),
  )
  const traded = step.candles.filter(({ source }) => source === 'trades')
  assert.deepEqual(brief(traded), [
    '1s@101:7-7x1r0t',
    '1s@110:8-8x1r0t',
    '15s@105:8-8x1r0t',
    '1s@125:9-9x1r0t',
    '15s@120:9-9x1r0t',
    '1m@120:9-9x1r0t',
  ])
  const touched = step.candles.filter(
    ({ time, timeframe: code }) => time < hole.to && nextOpen(timeframe(code), time) > hole.from,
  )
  assert.deepEqual(brief(touched), [], 'nothing is said of candles that the hole touches')
  const waiting = aggregator
    .waiting(market)
    .map(({ timeframe, from, to }) => [timeframe, (from - START) / 1000, (to - START) / 1000])
  assert.deepEqual(waiting[0], ['1m', 60, 120])
  assert.deepEqual(waiting[1]![2], 120)
})

test('a candle that waits for its beginning is given up to history when a hole touches it', () => {
  const aggregator = createAggregator({ timeframes: ['1m', '5m'], latenessMs: 0 })
  aggregator.add(batch([tradeAt(1, 130)], START + 140_000, { hole: { from: 0, to: START + 120_000 } }))
  assert.deepEqual(
    aggregator.waiting(market).map(({ timeframe: code, from, to }) => [code, from - START, to - START]),
    [['5m', 0, 120_000]],
  )
  const hole = { from: START + 140_000, to: START + 330_000 }
  aggregator.add(batch([tradeAt(2, 400)], START + 420_000, { hole }))
  assert.deepEqual(
    aggregator.waiting(market).map(({ timeframe: code, from, to }) => [code, from - START, to - START]),
    [
      ['1m', 300_000, 360_000],
      ['5m', 300_000, 360_000],
    ],
  )
})

test('without word of a hole the first trade shows since when trades are complete', () => {
  const aggregator = createAggregator({ timeframes: ['1m'], latenessMs: 0 })
  const step = aggregator.add(batch([tradeAt(1, 30), tradeAt(2, 70)], START + 120_000))
  assert.deepEqual(brief(step.candles), ['1m@60:100-100x1r0t'])
  assert.deepEqual(
    aggregator.waiting(market).map(({ from, to }) => [from, to]),
    [[START, START + MINUTE]],
  )
})

for (const [name, codes, read] of [
  ['BTC/USDT', ['1s', '1m', '3m', '5m', '15m'], () => streamTrades('ws/hftbacktest/spot_btcusdt_20240808.gz')],
  ['XRP/ETH', ['1m', '5m', '15m', '1h', '4h', '1d'], xrpEthTrades],
] as const) {
  test(`recorded ${name} trades, live: the same candles as all at once`, { skip: noRecordings }, () => {
    const recorded = { exchange: 'recorded', symbol: 'RECORDED' }
    const list = read()
    const largest = timeframe(codes.at(-1)!)
    const from = openTime(largest, list[0]!.time)
    const aggregator = createAggregator({ timeframes: codes })
    aggregator.add({ ...recorded, trades: [], upTo: from, hole: { from: 0, to: from } })
    const candles: Candle[] = []
    for (let at = 0; at < list.length; at += 37) {
      const part = list.slice(at, at + 37)
      candles.push(...aggregator.add({ ...recorded, trades: part, upTo: part.at(-1)!.time }).candles)
    }
    const end = nextOpen(largest, list.at(-1)!.time) + 2_000
    candles.push(...aggregator.add({ ...recorded, trades: [], upTo: end }).candles)
    assertFolded(candles, list, codes)
  })
}
