import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createSimulator, type SimulatorOptions } from '@candlewire/simulator'
import { candleFaults } from '../../test/compare.ts'
import { eventually, freshStore, runRoles } from '../../test/roles.ts'
import type { Gap } from '../bus/bus.ts'
import { nextOpen, timeframe as timeframeOf } from '../domain/timeframe.ts'
import type { Trade } from '../domain/trade.ts'
import { createRestClient } from '../exchanges/client.ts'
import { exchange } from '../exchanges/index.ts'
import { silent } from '../lib/log.ts'
import { createReconciler, type ReconcileDeps } from './reconcile.ts'

const MINUTE = 60_000
const QUARTER = 15 * MINUTE
const codes = ['1s', '1m', '5m', '15m']
const symbol = 'BTCUSDT'
const market = { exchange: 'binance', symbol }

/** A simulated exchange, the roles that make and store candles, and the one under test; the test plays the collector. */
async function open(t: TestContext, change: Partial<ReconcileDeps> = {}, options: SimulatorOptions = {}) {
  const simulator = await createSimulator({
    seed: 5,
    symbols: [symbol, 'ETHBTC'],
    tradesPerSecond: { BTCUSDT: 1.5, ETHBTC: 0.02 },
    historyMs: 4 * QUARTER,
    clock: 'manual',
    ...options,
  })
  let closeStore: () => unknown = () => undefined
  const store = await freshStore({
    after(close) {
      closeStore = close as () => unknown
    },
  })
  const roles = runRoles(store, codes)
  const { bus, metrics } = roles
  const rest = createRestClient({ exchange: exchange('binance'), url: simulator.restUrl, log: silent, metrics })
  /** Symbols to audit; a test that wants that names them. */
  const symbols: string[] = []
  const reconciler = createReconciler({
    rest,
    bus,
    store,
    symbols: () => symbols,
    timeframes: codes,
    settleMs: 30,
    confirmMs: 60,
    auditLagMs: 0,
    tickMs: 5,
    now: simulator.now,
    log: silent,
    metrics,
    ...change,
  })
  const stop = new AbortController()
  const running = reconciler.run(stop.signal)
  const gaps: Gap[] = []
  const watching = (async () => {
    for await (const batch of bus.subscribe('gaps', 'test', stop.signal)) gaps.push(...batch)
  })()
  t.after(async () => {
    stop.abort()
    await Promise.all([running, watching])
    await roles.end()
    await closeStore()
    await simulator.close()
  })
  /** Half an hour that begins with a candle of 15m. */
  const from = Math.floor(simulator.now() / QUARTER) * QUARTER - 2 * QUARTER

  const read = (of: string, start: number, end: number): Trade[] =>
    simulator.truth
      .trades(of)
      .filter(({ time }) => time >= start && time < end)
      .map(({ id, price, qty, time, isBuyerMaker }) => ({
        ...market,
        type: 'trade',
        symbol: of,
        id,
        count: 1,
        price: Number(price),
        quantity: Number(qty),
        side: isBuyerMaker ? 'sell' : 'buy',
        time,
        received: time,
      }))
  const publish = (trades: Trade[], upTo: number, of = symbol, hole?: { from: number; to: number }) =>
    bus.publish('trades', [{ ...market, symbol: of, trades, upTo, ...(hole && { hole }) }])

  return {
    ...roles,
    simulator,
    store,
    reconciler,
    symbols,
    gaps,
    from,
    read,
    publish,
    begin: (of = symbol) => publish([], from, of, { from: 0, to: from }),
    /** What the collector brings of the exchange's own minutes. */
    async klines(start: number, end: number, of = symbol) {
      const query = { symbol: of, timeframe: '1m', from: start, to: end - 1, limit: 1_000, now: simulator.now() }
      const candles = await rest.ask(rest.exchange.rest.candles(query))
      await bus.publish('exchangeCandles', candles)
      return candles
    },
    outcome: (name: string) => reconciler.status().outcomes[name] ?? 0,
    stored: (timeframe: string) => store.candles({ ...market, timeframe }, { from }),
    async assertStored(end: number) {
      for (const timeframe of ['1s', '1m', '5m', '15m'] as const) {
        const rows = simulator.truth
          .candles(symbol, timeframe, from, end - 1)
          .filter(([open]) => nextOpen(timeframeOf(timeframe), open) <= end)
        const candles = await store.candles({ ...market, timeframe }, { from, to: end - 1 })
        assert.deepEqual(candleFaults(candles, rows), [], timeframe)
      }
    },
  }
}

test('without faults every candle equals, quiet ones too, live and by REST', async (t) => {
  const rig = await open(t)
  const end = rig.from + 2 * QUARTER
  for (const of of rig.simulator.symbols) {
    await rig.begin(of)
    // One at a time, as the feed does, so that quiet minutes close between trades.
    for (let at = rig.from; at < end; at += MINUTE) await rig.publish(rig.read(of, at, at + MINUTE), at + MINUTE, of)
    await rig.settled()
    // More minutes than are remembered at a time: the rest is the audit's.
    await rig.klines(end - 12 * MINUTE, end, of)
  }
  await eventually(() => rig.outcome('equal') === 24)
  rig.symbols.push(...rig.simulator.symbols)
  await eventually(() => rig.outcome('equal') >= 24 + 30 + 30)
  assert.deepEqual(Object.keys(rig.reconciler.status().outcomes), ['equal'])
  assert.deepEqual([rig.reconciler.status().repaired, rig.reconciler.status().pending], [0, 0])
})

test('a damaged candle is found, repaired with a revision, and larger candles follow', async (t) => {
  const rig = await open(t)
  const end = rig.from + QUARTER + 3 * MINUTE
  await rig.begin()
  await rig.publish(rig.read(symbol, rig.from, end), end)
  await rig.settled()
  const bad = rig.from + 7 * MINUTE
  for (const timeframe of ['1m', '5m', '15m']) {
    const all = await rig.stored(timeframe)
    const hit = all.findLast(({ time }) => time <= bad)!
    await rig.store.putCandles([{ ...hit, high: hit.high * 2, volume: hit.volume + 1 }])
  }
  await rig.klines(rig.from + 5 * MINUTE, end)
  await eventually(async () => (await rig.stored('15m'))[0]!.revision === 1)
  await rig.settled()
  await rig.assertStored(rig.from + QUARTER)
  assert.equal(rig.outcome('damaged'), 1)
  assert.equal(rig.reconciler.status().repaired, 1)
  const told = rig.candles.filter(({ revision }) => revision === 1)
  assert.deepEqual(
    told.map(({ timeframe, source }) => [timeframe, source]),
    [
      ['1m', 'trades'],
      ['5m', 'trades'],
      ['15m', 'trades'],
    ],
  )
})

test('trades that never came are fetched by id; closed, open and short candles follow', async (t) => {
  const rig = await open(t)
  const end = rig.from + 2 * QUARTER
  const half = rig.from + QUARTER - 4 * MINUTE
  const all = rig.read(symbol, rig.from, end)
  const lost = all.filter(({ time }) => time >= half - 3 * MINUTE && time < half - 3 * MINUTE + 20_000)
  assert.ok(lost.length > 3)
  const got = all.filter((trade) => !lost.includes(trade))
  await rig.begin()
  await rig.publish(
    got.filter(({ time }) => time < half),
    half,
  )
  await rig.settled()
  await rig.klines(rig.from, half)
  await eventually(() => rig.reconciler.status().repaired === 1)
  await rig.settled()
  await rig.publish(
    got.filter(({ time }) => time >= half),
    end,
  )
  await eventually(async () => (await rig.stored('15m')).length === 2)
  await rig.settled()
  await rig.assertStored(end)
  assert.equal(rig.outcome('missing_trade'), 1)
  assert.deepEqual(
    (await rig.stored('15m')).map(({ revision }) => revision),
    [0, 0],
    'the open candle was made right before it closed',
  )
  assert.equal((await rig.store.trades(market, { from: rig.from, to: end })).length, all.length)
})

test('a trade that is merely late is no fault', async (t) => {
  const rig = await open(t)
  const end = rig.from + 2 * MINUTE
  const all = rig.read(symbol, rig.from, end)
  const late = all.slice(-2)
  await rig.begin()
  await rig.publish(all.slice(0, -2), end)
  await rig.settled()
  await rig.klines(rig.from, end)
  await eventually(() => rig.reconciler.status().pending === 1)
  await rig.publish(late, end + 1)
  await eventually(() => rig.outcome('late') === 1)
  assert.equal(rig.reconciler.status().repaired, 0)
  await rig.settled()
  await rig.assertStored(end)
})

test("a candle that its trades do not make is the exchange's, once that has said so twice", async (t) => {
  const rig = await open(t)
  await rig.begin()
  const end = rig.from + MINUTE
  const all = rig.read(symbol, rig.from, end)
  await rig.publish(
    [...all.slice(0, -1), all.at(-1)!, { ...all.at(-1)!, id: Number(all.at(-1)!.id) + 1, quantity: 999 }],
    end,
  )
  await rig.settled()
  const [candle] = await rig.klines(rig.from, end)
  await eventually(() => rig.reconciler.status().repaired === 1)
  assert.deepEqual(rig.reconciler.status().outcomes, { extra_trade: 1 })
  assert.equal((await rig.stored('1m'))[0]!.volume, candle!.volume)
})

test('a hole is left to the repair of holes', async (t) => {
  const rig = await open(t)
  const end = rig.from + QUARTER
  const hole = { from: rig.from + 3 * MINUTE + 10_000, to: rig.from + 5 * MINUTE + 10_000 }
  await rig.begin()
  await rig.publish(rig.read(symbol, rig.from, hole.from), hole.from)
  await rig.publish(rig.read(symbol, hole.to, end), end, symbol, hole)
  await rig.settled()
  rig.symbols.push(symbol)
  await eventually(() => rig.outcome('equal') === 12)
  assert.deepEqual(rig.reconciler.status(), { outcomes: { equal: 12 }, repaired: 0, pending: 0 })
})

test('a standstill is found by the look that comes after it, though an earlier one ended within it', async (t) => {
  const rig = await open(t, { auditEveryMs: 0 })
  const { simulator, read } = rig
  await simulator.advance(2 * MINUTE)
  simulator.faults.halt({ ms: 4 * MINUTE, symbols: [symbol] })
  await simulator.advance(3 * MINUTE)
  await rig.begin()
  await rig.publish(read(symbol, rig.from, simulator.now()), simulator.now())
  await rig.settled()
  rig.symbols.push(symbol)
  await eventually(() => rig.outcome('equal') > 0)
  assert.deepEqual(rig.gaps, [], 'the exchange may yet give candles of it')
  const seen = simulator.now()
  await simulator.advance(6 * MINUTE)
  await rig.publish(read(symbol, seen, simulator.now()), simulator.now())
  await eventually(() => rig.gaps.length > 0)
  assert.ok(rig.outcome('no_candle') > 0)
})

test('where the exchange stood still, nothing is held to be quiet', async (t) => {
  const rig = await open(t)
  const { simulator, read } = rig
  const begin = simulator.now()
  await simulator.advance(2 * MINUTE)
  simulator.faults.outage({ ms: 4 * MINUTE })
  await simulator.advance(8 * MINUTE)
  await rig.begin()
  // A feed that saw nothing of it: no id is missing, and heartbeats go on.
  await rig.publish(read(symbol, rig.from, simulator.now()), simulator.now())
  await rig.settled()
  rig.symbols.push(symbol)
  await eventually(() => rig.gaps.length === 1)
  const [gap] = rig.gaps
  const rows = simulator.truth.candles(symbol, '1m', begin, simulator.now())
  const step = rows.findIndex(([time], index) => index > 0 && time !== rows[index - 1]![0] + MINUTE)
  assert.deepEqual([gap!.from, gap!.to], [rows[step - 1]![0] + MINUTE, rows[step]![0]])
  const coverage = await rig.store.coverage(market, 'trades', { from: gap!.from, to: gap!.to })
  assert.deepEqual(
    coverage.map(({ state }) => state),
    ['unknown'],
  )
  assert.equal(rig.outcome('no_candle'), (gap!.to - gap!.from) / MINUTE)
})
