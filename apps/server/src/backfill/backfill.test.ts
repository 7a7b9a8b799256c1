import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { SimulatorOptions } from '@candlewire/simulator'
import { openExchange } from '../../test/exchange-rig.ts'
import type { Filled } from '../bus/bus.ts'
import { HOUR, MINUTE } from '../domain/timeframe.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { silent } from '../lib/log.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import type { Store } from '../store/store.ts'
import { type BackfillDeps, createBackfill, type Progress } from './backfill.ts'

const DAY_START = Date.UTC(2026, 6, 15)
const START = DAY_START + 12 * HOUR + 30_000
const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const minutes = { ...market, timeframe: '1m' }

/** A market whose clock stands still, a store in a new folder, and a backfill that is not yet running. */
async function open(options: SimulatorOptions = {}, change: Partial<BackfillDeps> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-'))
  const exchange = await openExchange({
    start: START,
    clock: 'manual',
    historyMs: 30 * HOUR,
    symbols: ['BTCUSDT', 'ETHUSDT'],
    tradesPerSecond: 0.2,
    ...options,
  })
  const { simulator, binance, rest, bus, metrics, asked } = exchange
  const store = await embeddedStore({ path: join(folder, 'test.db'), log: silent })
  const stop = new AbortController()
  const progress: Progress[] = []
  const filled: Filled[] = []
  const make = (more: Partial<BackfillDeps> = {}) =>
    createBackfill({
      exchange: binance,
      rest,
      bus,
      store,
      symbols: () => ['BTCUSDT'],
      timeframes: ['1m', '1h'],
      lookbackHours: 2,
      log: silent,
      metrics,
      now: simulator.now,
      progress: (at) => progress.push(at),
      ...change,
      ...more,
    })
  const reading = (async () => {
    for await (const events of bus.subscribe('filled', 'test', stop.signal)) filled.push(...events)
  })()
  return {
    ...exchange,
    store,
    stop,
    progress,
    filled,
    make,
    /** Resolves once the condition holds. */
    async until(condition: () => boolean): Promise<void> {
      while (!condition()) await setTimeout(10)
    },
    klines: () => asked.filter(({ pathname }) => pathname.endsWith('/klines')),
    async close() {
      stop.abort()
      await reading
      await store.close()
      await simulator.close()
      await rm(folder, { recursive: true })
    },
  }
}

type Rig = Awaited<ReturnType<typeof open>>

async function withRig(options: SimulatorOptions, change: Partial<BackfillDeps>, use: (rig: Rig) => Promise<void>) {
  const rig = await open(options, change)
  try {
    await use(rig)
  } finally {
    await rig.close()
  }
}

/** Runs a backfill until it has nothing to do. */
async function settle({ make, stop }: Rig, request: { from: number; to: number }) {
  const end = new AbortController()
  const backfill = make()
  const running = backfill.run(AbortSignal.any([stop.signal, end.signal]))
  const { job, plan } = await backfill.request({ symbol: 'BTCUSDT', timeframe: '1m', ...request })
  const done = await backfill.settled(job.id, stop.signal)
  end.abort()
  await running
  return { job: done, plan, backfill }
}

async function assertHeld({ store, simulator }: Rig, from: number, to: number): Promise<void> {
  const rows = await store.candles(minutes, { from, to: to - 1 })
  const truth = simulator.truth.candles('BTCUSDT', '1m', from, to - 1)
  assert.deepEqual(
    rows.map(({ time, open, high, low, close, volume, trades }) => [time, open, high, low, close, volume, trades]),
    truth.map((row) => [row[0], ...[row[1], row[2], row[3], row[4], row[5]].map(Number), row[8]]),
  )
}

describe('backfill', () => {
  test('a request brings the candles of the exchange, says what it costs, and is right about it', async () => {
    await withRig({}, { symbols: () => [] }, async (rig) => {
      const range = { from: START - 20 * HOUR, to: START }
      const { job, plan } = await settle(rig, range)
      assert.equal(job?.state, 'done')
      assert.equal(plan.requests, 2)
      assert.equal(rig.klines().length, plan.requests)
      assert.equal(job?.requestsDone, plan.requests)
      assert.equal(job?.candlesWritten, plan.missing[0]?.candles)
      await assertHeld(rig, DAY_START - 8 * HOUR, DAY_START + 12 * HOUR)
      assert.deepEqual(
        rig.filled.map(({ candles }) => candles),
        [1_000, 200],
      )
      assert.equal(rig.progress.at(-1)?.done, 1)
    })
  })

  test('only what is missing is fetched', async () => {
    await withRig({}, { symbols: () => [] }, async (rig) => {
      const hour = (n: number) => DAY_START + n * HOUR
      await rig.store.cover([
        { ...market, series: 'trades', state: 'complete', from: hour(1), to: hour(2) + 30_000 },
        { ...market, series: '1m', state: 'quiet', from: hour(3), to: hour(4) },
        { ...market, series: 'trades', state: 'unknown', from: hour(5), to: hour(6) },
      ])
      const { plan } = await settle(rig, { from: hour(0), to: hour(6) })
      const expected = [
        [hour(0), hour(1)],
        [hour(2), hour(3)],
        [hour(4), hour(6)],
      ]
      assert.deepEqual(
        plan.missing.map(({ from, to }) => [from, to]),
        expected,
      )
      const asked = rig
        .klines()
        .map(({ searchParams: query }) => [Number(query.get('startTime')), Number(query.get('endTime')) + 1])
      assert.deepEqual(asked, expected)
      const again = await settle(rig, { from: hour(0), to: hour(6) })
      assert.equal(again.job?.state, 'done')
      assert.deepEqual(again.plan.missing, [])
      assert.equal(rig.klines().length, 3, 'asking twice costs nothing')
    })
  })

  test('a start analyses the last hours and the days of larger candles, and then the live feed is enough', async () => {
    const symbols = ['BTCUSDT']
    await withRig(
      { historyMs: 24 * 20 * HOUR },
      { timeframes: ['1m', '1h', '1M'], symbols: () => symbols },
      async (rig) => {
        const backfill = rig.make()
        const running = backfill.run(rig.stop.signal)
        await rig.until(() => backfill.status().jobs.done === 3)
        assert.equal(backfill.status().mode, 'websocket_only')
        const series = (await rig.store.series()).map(({ timeframe, first, last, count }) => [
          timeframe,
          first,
          last,
          count,
        ])
        assert.deepEqual(series.toSorted(), [
          ['1d', Date.UTC(2026, 6, 1), Date.UTC(2026, 6, 14), 14],
          ['1h', DAY_START, DAY_START + 9 * HOUR, 10],
          ['1m', DAY_START + 10 * HOUR, DAY_START + 12 * HOUR - MINUTE, 120],
        ])
        assert.equal(rig.klines().length, 3)
        symbols.push('ETHUSDT')
        await rig.until(() => backfill.status().jobs.done === 6)
        assert.equal(rig.klines().length, 6, 'a symbol that comes later is analysed too')
        rig.stop.abort()
        await running
      },
    )
  })

  test('an aborted job goes on from its cursor at the next start', async () => {
    await withRig({}, { symbols: () => [], concurrency: 1 }, async (rig) => {
      const range = { from: DAY_START - 16 * HOUR, to: DAY_START + 12 * HOUR }
      const first = new AbortController()
      const backfill = rig.make({ progress: () => rig.klines().length === 1 && first.abort() })
      const running = backfill.run(first.signal)
      const { job } = await backfill.request({ symbol: 'BTCUSDT', timeframe: '1m', ...range })
      await running
      const left = await rig.store.job(job.id)
      assert.equal(left?.state, 'running')
      assert.equal(left?.cursor, range.from + 1_000 * MINUTE)

      const asked = rig.klines().length
      const second = rig.make()
      const again = second.run(rig.stop.signal)
      await rig.until(() => second.status().jobs.done === 1)
      assert.equal((await rig.store.job(job.id))?.state, 'done')
      assert.equal(rig.klines().length - asked, job.requestsPlanned - 1, 'nothing is fetched twice')
      await assertHeld(rig, range.from, range.to)
      rig.stop.abort()
      await again
    })
  })

  test('a hole in the trades is repaired once its minutes have closed', async () => {
    await withRig({}, { symbols: () => [] }, async (rig) => {
      const backfill = rig.make()
      const running = backfill.run(rig.stop.signal)
      const hole = { from: START - 90_000, to: START + 1 }
      await rig.bus.publish('trades', [{ ...market, trades: [], upTo: hole.to, hole }])
      await rig.until(() => backfill.status().repairsPending === 1)
      assert.equal(rig.klines().length, 0)
      await rig.simulator.advance(40_000)
      await rig.until(() => backfill.status().jobs.done === 1)
      const from = DAY_START + 12 * HOUR - MINUTE
      await assertHeld(rig, from, from + 2 * MINUTE)
      assert.deepEqual(rig.filled, [{ ...market, timeframe: '1m', from, to: from + 2 * MINUTE, candles: 2 }])
      rig.stop.abort()
      await running
    })
  })

  test('when the gaps cannot be found out, the whole range is fetched', async () => {
    await withRig({}, { symbols: () => [] }, async (rig) => {
      let broken = false
      const failing: Store = {
        ...rig.store,
        coverage: (...query) => (broken ? Promise.reject(new Error('no answer')) : rig.store.coverage(...query)),
        putJob(job) {
          broken = true
          return rig.store.putJob(job)
        },
      }
      const backfill = rig.make({ store: failing })
      const running = backfill.run(rig.stop.signal)
      const range = { from: DAY_START, to: DAY_START + HOUR }
      const { job } = await backfill.request({ symbol: 'BTCUSDT', timeframe: '1m', ...range })
      const done = await backfill.settled(job.id, rig.stop.signal)
      assert.equal(done?.state, 'done')
      assert.match(done.errors[0] ?? '', /no answer/)
      await assertHeld(rig, range.from, range.to)
      rig.stop.abort()
      await running
    })
  })

  test('a refused job fails, says why, and leaves the others alone', async () => {
    await withRig({}, { symbols: () => [] }, async (rig) => {
      const backfill = rig.make()
      const running = backfill.run(rig.stop.signal)
      const range = { timeframe: '1m', from: DAY_START, to: DAY_START + HOUR }
      const bad = await backfill.request({ symbol: 'NOSUCH', ...range })
      const good = await backfill.request({ symbol: 'ETHUSDT', ...range })
      assert.equal((await backfill.settled(bad.job.id, rig.stop.signal))?.state, 'failed')
      assert.equal((await backfill.settled(good.job.id, rig.stop.signal))?.state, 'done')
      const stored = await rig.store.job(bad.job.id)
      assert.match(stored?.errors[0] ?? '', /no market NOSUCH/)
      assert.equal(rig.klines().filter(({ searchParams }) => searchParams.get('symbol') === 'NOSUCH').length, 1)
      rig.stop.abort()
      await running
    })
  })

  test('before its listing a market was quiet, and the scan does not ask for that again', async () => {
    await withRig({ historyMs: HOUR }, { lookbackHours: 3, scanEverySeconds: 0.05 }, async (rig) => {
      const backfill = rig.make()
      const running = backfill.run(rig.stop.signal)
      await rig.until(() => backfill.status().jobs.done === 1)
      const asked = rig.klines().length
      const scanned = backfill.status().lastScanAt
      await rig.simulator.advance(1_000)
      await rig.until(() => backfill.status().lastScanAt > scanned)
      assert.equal(rig.klines().length, asked)
      const coverage = await rig.store.coverage(market, '1m', { from: DAY_START + 9 * HOUR, to: DAY_START + 12 * HOUR })
      assert.deepEqual(
        coverage.map(({ state }) => state),
        ['quiet', 'complete'],
      )
      rig.stop.abort()
      await running
    })
  })

  test('a candle that the exchange does not show yet is asked for again by the scan', async () => {
    let behind = true
    await withRig({}, { symbols: () => ['BTCUSDT'], lookbackHours: 1, scanEverySeconds: 0.05 }, async (rig) => {
      const late: RestClient = {
        ...rig.rest,
        async ask(request, options) {
          const answer = await rig.rest.ask(request, options)
          if (behind && Array.isArray(answer)) answer.pop()
          return answer
        },
      }
      const backfill = rig.make({ rest: late })
      const running = backfill.run(rig.stop.signal)
      await rig.until(() => backfill.status().jobs.done === 1)
      behind = false
      await rig.simulator.advance(150_000)
      await rig.until(() => backfill.status().jobs.done >= 2)
      const last = DAY_START + 12 * HOUR - MINUTE
      await assertHeld(rig, last, last + MINUTE)
      rig.stop.abort()
      await running
    })
  })

  test('while the exchange is left alone a hole waits, and is filled once it is back', async () => {
    await withRig({}, { symbols: () => [] }, async (rig) => {
      let away = true
      let asked = 0
      const usage = () => {
        asked++
        return { ...rig.rest.usage(), breaker: away ? ('open' as const) : ('closed' as const) }
      }
      const backfill = rig.make({ rest: { ...rig.rest, usage }, scanEverySeconds: 0.05 })
      const running = backfill.run(rig.stop.signal)
      const hole = { from: START - 90_000, to: START + 1 }
      await rig.bus.publish('trades', [{ ...market, trades: [], upTo: hole.to, hole }])
      await rig.until(() => backfill.status().repairsPending === 1)
      await rig.simulator.advance(40_000)
      const before = asked
      // Scans and repairs look at how the exchange fares: a second's worth of both.
      await rig.until(() => asked > before + 25)
      assert.deepEqual([rig.klines().length, backfill.status().repairsPending], [0, 1])
      away = false
      await rig.until(() => backfill.status().jobs.done === 1)
      rig.stop.abort()
      await running
    })
  })

  test('a cancelled job stops where it is', async () => {
    await withRig({}, { symbols: () => [] }, async (rig) => {
      const backfill = rig.make()
      const request = { symbol: 'BTCUSDT', timeframe: '1m', from: DAY_START, to: DAY_START + HOUR }
      const { job } = await backfill.request(request)
      assert.equal((await backfill.cancel(job.id))?.state, 'cancelled')
      const running = backfill.run(rig.stop.signal)
      const { job: other } = await backfill.request(request)
      assert.notEqual(other.id, job.id)
      await backfill.settled(other.id, rig.stop.signal)
      assert.equal((await rig.store.job(job.id))?.requestsDone, 0)
      rig.stop.abort()
      await running
    })
  })

  test('a hole that a job under way fills anyway is not fetched a second time', async () => {
    await withRig({}, {}, async (rig) => {
      const backfill = rig.make()
      const running = backfill.run(rig.stop.signal)
      const hole = { from: 0, to: DAY_START + 12 * HOUR }
      await rig.bus.publish('trades', [{ ...market, trades: [], upTo: hole.to, hole }])
      await rig.until(() => backfill.status().jobs.done === 1 && backfill.status().repairsPending === 0)
      assert.equal(rig.klines().length, 1)
      rig.stop.abort()
      await running
    })
  })
})
