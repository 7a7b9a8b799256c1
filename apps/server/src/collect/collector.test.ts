import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SimulatorOptions } from '@candlewire/simulator'
import { differences, runCollector } from '../../test/exchange-rig.ts'
import { exchange } from '../exchanges/index.ts'

type Rig = Awaited<ReturnType<typeof runCollector>>
type Options = NonNullable<Parameters<typeof runCollector>[0]>

async function withCollector(options: Options, use: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await runCollector(options)
  try {
    await use(rig)
  } finally {
    await rig.close()
  }
}

/** Waits until each market has published so many trades more than there are at this moment. */
async function flow({ simulator, trades, until }: Rig, more: number, symbols = simulator.symbols): Promise<void> {
  for (const symbol of symbols) {
    const end = simulator.truth.ids(symbol).last + more
    await until(() => Number(trades(symbol).at(-1)?.id ?? 0) >= end, `${symbol} does not reach ${end}`)
  }
}

function assertTrue(rig: Rig, symbols = rig.simulator.symbols): void {
  for (const symbol of symbols) {
    assert.deepEqual(differences(rig.simulator, symbol, rig.trades(symbol)), [], symbol)
    const reached = rig.of(symbol).map(({ upTo }) => upTo)
    assert.deepEqual(
      reached,
      reached.toSorted((a, b) => a - b),
      'upTo never goes back',
    )
  }
  const earliest = new Map<string, number>()
  for (const { symbol, upTo, trades } of rig.batches.toReversed()) {
    const next = earliest.get(symbol) ?? Number.POSITIVE_INFINITY
    assert.ok(next >= upTo, `${symbol}: ${upTo} was claimed before a trade of ${next} came`)
    earliest.set(
      symbol,
      trades.reduce((least, { time }) => Math.min(least, time), next),
    )
  }
}
const holes = (rig: Rig, symbol: string) =>
  rig
    .of(symbol)
    .slice(1)
    .filter(({ hole }) => hole)

describe('the collector', { concurrency: 4 }, () => {
  test('starts at the minute with a hole before it, and brings every trade since, once and in order', async () => {
    await withCollector({}, async (rig) => {
      await flow(rig, 15)
      await flow(rig, 15)
      assertTrue(rig)
      for (const symbol of rig.simulator.symbols) {
        const [first] = rig.of(symbol)
        const minute = first?.hole?.to ?? 0
        assert.equal(minute % 60_000, 0)
        assert.equal(first?.hole?.from, 0)
        const before = rig.simulator.truth.trades(symbol, 0, Number(rig.trades(symbol)[0]?.id) - 1)
        assert.ok((before.at(-1)?.time ?? 0) < minute, 'nothing of the minute is left out')
      }
    })
  })

  for (const kind of ['missing', 'duplicate', 'reorder', 'malformed'] as const) {
    test(`${kind} frames change nothing of what comes out`, async () => {
      await withCollector({}, async (rig) => {
        await flow(rig, 15)
        rig.simulator.faults[kind]({ count: 7 })
        await flow(rig, 15)
        rig.simulator.faults[kind]({ count: 1 })
        await flow(rig, 15)
        await flow(rig, 15)
        assertTrue(rig)
        for (const symbol of rig.simulator.symbols) assert.deepEqual(holes(rig, symbol), [])
        if (kind === 'malformed') assert.ok(rig.collector.status().quarantined.length > 0)
      })
    })
  }

  test('what was traded while the line was cut is fetched, also for a market that stays quiet', async () => {
    await withCollector({ simulator: { tradesPerSecond: { BTCUSDT: 200, ETHUSDT: 4 } } }, async (rig) => {
      await flow(rig, 3)
      rig.simulator.faults.refuseConnect({ ms: 800 })
      rig.simulator.faults.cut({})
      await rig.until(() => rig.collector.status().reconnects > 1, 'it tries again')
      await flow(rig, 3)
      await rig.until(() => rig.collector.status().markets.live === 2, 'both are live')
      rig.simulator.faults.cut({})
      await flow(rig, 3)
      assertTrue(rig)
      for (const symbol of rig.simulator.symbols) assert.deepEqual(holes(rig, symbol), [])
    })
  })

  test('a feed that falls silent is noticed, and nothing is lost', async () => {
    await withCollector({ settings: { silenceUnknownMs: 300, silenceMinMs: 300 } }, async (rig) => {
      await flow(rig, 15)
      rig.simulator.faults.silence({ ms: 1_500 })
      await rig.until(() => rig.collector.status().reconnects > 0, 'the deaf connection is left')
      await flow(rig, 15)
      assert.deepEqual(
        rig.simulator.symbols.flatMap((symbol) => differences(rig.simulator, symbol, rig.trades(symbol))),
        [],
      )
    })
  })

  test('slow REST only delays', async () => {
    await withCollector({}, async (rig) => {
      await flow(rig, 15)
      rig.simulator.faults.slow({ ms: 2_000, delayMs: 400 })
      rig.simulator.faults.cut({})
      rig.simulator.faults.missing({ count: 3 })
      await flow(rig, 15)
      assertTrue(rig)
    })
  })

  test('trades that REST refuses for a while are waited for, not given up', async () => {
    await withCollector({ settings: { refillAttempts: 1 }, simulator: { symbols: ['BTCUSDT'] } }, async (rig) => {
      await flow(rig, 15)
      rig.simulator.faults.restDown({ ms: 1_500 })
      rig.simulator.faults.missing({ count: 20 })
      await flow(rig, 60)
      await rig.until(() => rig.collector.status().gapsOpen === 0, 'the missing trades are fetched')
      assert.deepEqual(holes(rig, 'BTCUSDT'), [])
      assert.deepEqual(differences(rig.simulator, 'BTCUSDT', rig.trades('BTCUSDT')), [])
    })
  })

  test('trades that REST could not bring in time come once it can, and fill the hole', async () => {
    const settings = { giveUpMs: 500, refillAttempts: 2 }
    await withCollector({ settings, simulator: { symbols: ['BTCUSDT'] } }, async (rig) => {
      await flow(rig, 15)
      rig.simulator.faults.restDown({ ms: 3_000 })
      rig.simulator.faults.missing({ count: 20 })
      await rig.until(() => holes(rig, 'BTCUSDT').length > 0, 'a hole is named')
      await rig.until(() => rig.of('BTCUSDT').some(({ filled }) => filled !== undefined), 'it is filled')
      await flow(rig, 15)
      const named = holes(rig, 'BTCUSDT').map(({ hole }) => hole)
      const filled = rig.of('BTCUSDT').flatMap((batch) => batch.filled ?? [])
      assert.deepEqual(filled, named)
      const all = rig.trades('BTCUSDT').toSorted((a, b) => Number(a.id) - Number(b.id))
      assert.deepEqual(differences(rig.simulator, 'BTCUSDT', all), [])
    })
  })

  test('trades that REST cannot bring are a hole, and the feed goes on behind it', async () => {
    const settings = { giveUpMs: 500, refillAttempts: 2 }
    await withCollector({ settings, simulator: { symbols: ['BTCUSDT'] } }, async (rig) => {
      await flow(rig, 15)
      const before = rig.trades('BTCUSDT').length
      rig.simulator.faults.restDown({ ms: 600_000 })
      rig.simulator.faults.missing({ count: 20 })
      await rig.until(() => holes(rig, 'BTCUSDT').length > 0, 'a hole is named')
      await flow(rig, 15)
      const [batch] = holes(rig, 'BTCUSDT')
      const all = rig.trades('BTCUSDT')
      const earlier = rig.of('BTCUSDT').slice(0, rig.of('BTCUSDT').indexOf(batch!))
      const resumed = earlier.reduce((sum, { trades }) => sum + trades.length, 0)
      assert.ok(resumed >= before)
      assert.deepEqual(differences(rig.simulator, 'BTCUSDT', all.slice(0, resumed)), [])
      assert.deepEqual(differences(rig.simulator, 'BTCUSDT', all.slice(resumed)), [])
      const lost = rig.simulator.truth.trades('BTCUSDT', Number(all[resumed - 1]!.id) + 1, Number(all[resumed]!.id) - 1)
      assert.ok(lost.length > 0 && lost.length <= 20)
      for (const { time } of lost) assert.ok(time >= batch!.hole!.from && time < batch!.hole!.to)
    })
  })

  test('without a socket for long, trades are polled; with one again, the feed is live', async () => {
    await withCollector({ settings: { pollAfterMs: 200, pollEveryMs: 150 } }, async (rig) => {
      await flow(rig, 15)
      rig.simulator.faults.refuseConnect({ ms: 600_000 })
      rig.simulator.faults.cut({})
      await rig.until(() => rig.collector.status().mode === 'rest_fallback', 'it polls')
      await flow(rig, 15)
      assert.equal(rig.simulator.connections(), 0)
      rig.simulator.faults.refuseConnect({ ms: 0 })
      await rig.until(() => rig.collector.status().markets.live === 2, 'live again')
      await flow(rig, 15)
      assertTrue(rig)
    })
  })

  test('an announced shutdown is met by a new connection before the old one goes', async () => {
    await withCollector({}, async (rig) => {
      const states: string[] = []
      rig.read('feed', 'test', (events) => states.push(...events.map(({ state }) => state)))
      await flow(rig, 15)
      rig.simulator.faults.shutdown({ ms: 5_000 })
      await rig.until(() => rig.simulator.connections() === 2, 'the successor is there')
      await rig.until(() => rig.simulator.connections() === 1, 'the old one is gone')
      await flow(rig, 15)
      assertTrue(rig)
      assert.equal(states.includes('down'), false, 'no market was ever down')
      assert.equal(rig.collector.status().reconnects, 1)
    })
  })

  test('a connection is replaced before the exchange ends it, and no market is ever down', async () => {
    const binance = exchange('binance')
    const limits = { ...binance.limits, connectionLifeMs: 1_500 }
    await withCollector({ exchange: { ...binance, limits } }, async (rig) => {
      const states: string[] = []
      rig.read('feed', 'test', (events) => states.push(...events.map(({ state }) => state)))
      await rig.until(() => rig.collector.status().reconnects >= 3, 'it rotates')
      await flow(rig, 15)
      assertTrue(rig)
      assert.equal(states.includes('down'), false)
      assert.ok(rig.simulator.connections() <= 2)
    })
  })

  test('symbols come and go while it runs, over several connections, within the message limit', async () => {
    const symbols = 12
    await withCollector(
      { simulator: { symbols, tradesPerSecond: 2_000 }, settings: { streamsPerConnection: 4 }, channels: ['ticker'] },
      async (rig) => {
        const [first = '', second = '', ...rest] = rig.simulator.symbols
        rig.collector.remove(rest)
        await flow(rig, 15, [first, second])
        await rig.until(() => rig.simulator.connections() === 1, 'empty connections are closed')
        for (const symbol of rest.slice(0, 6)) rig.collector.add([symbol])
        await flow(rig, 15, [first, second, ...rest.slice(0, 6)])
        await rig.until(() => rig.simulator.connections() === 4, 'two symbols with two streams each on a connection')
        rig.collector.remove([first])
        rig.collector.add(rest.slice(6, 7))
        await flow(rig, 15, [second, ...rest.slice(0, 7)])
        await rig.until(() => rig.simulator.connections() === 4, 'the room that became free is used')
        assert.equal(rig.collector.status().reconnects, 0, 'the exchange cut no connection for its messages')
        await rig.until(() => rig.collector.status().streams === 16, 'each symbol has its two streams')
        assertTrue(rig, [second, ...rest.slice(0, 7)])
      },
    )
  })

  test('goes on after the stored trade without a hole', async () => {
    let from = 0
    let time = 0
    const lastTrade: Options['lastTrade'] = async ({ exchange, symbol }) => {
      return {
        type: 'trade',
        exchange,
        symbol,
        id: from,
        count: 1,
        price: 1,
        quantity: 1,
        side: 'buy',
        time,
        received: time,
      }
    }
    await withCollector({ lastTrade, symbols: [] }, async (rig) => {
      const { last } = rig.simulator.truth.ids('BTCUSDT')
      from = last - 2_500
      time = rig.simulator.truth.trades('BTCUSDT', from, from)[0]!.time
      rig.collector.add(['BTCUSDT'])
      await flow(rig, 15, ['BTCUSDT'])
      assert.equal(rig.trades('BTCUSDT')[0]?.id, from + 1)
      assert.equal(rig.of('BTCUSDT')[0]?.hole, undefined)
      assertTrue(rig, ['BTCUSDT'])
    })
  })

  test('goes on where coverage ended when no trade is stored, a minute back', async () => {
    let known = { from: 0, to: 0 }
    await withCollector({ known: async () => known, symbols: [] }, async (rig) => {
      const { truth } = rig.simulator
      const { last } = truth.ids('BTCUSDT')
      const { time } = truth.trades('BTCUSDT', last, last)[0]!
      known = { from: time - 600_000, to: time - 180_000 }
      const since = known.to - 60_000
      rig.collector.add(['BTCUSDT'])
      await flow(rig, 15, ['BTCUSDT'])
      assert.deepEqual(rig.of('BTCUSDT')[0]?.hole, { from: since, to: since })
      assert.equal(rig.trades('BTCUSDT')[0]?.id, truth.trades('BTCUSDT').find((trade) => trade.time >= since)?.id)
      assertTrue(rig, ['BTCUSDT'])
    })
  })

  test('a start without REST brings what the socket brings, with a hole since the stored trade', async () => {
    const lastTrade: Options['lastTrade'] = async ({ exchange, symbol }) => {
      return {
        type: 'trade',
        exchange,
        symbol,
        id: 1,
        count: 1,
        price: 1,
        quantity: 1,
        side: 'buy',
        time: 5,
        received: 5,
      }
    }
    const simulator: SimulatorOptions = { symbols: ['BTCUSDT'], faults: [{ at: 0, kind: 'restDown', ms: 600_000 }] }
    await withCollector({ lastTrade, simulator, settings: { giveUpMs: 500, refillAttempts: 2 } }, async (rig) => {
      await flow(rig, 30)
      const [first] = rig.of('BTCUSDT')
      assert.deepEqual(first?.hole, { from: 5, to: first!.trades[0]!.time + 1 })
      rig.simulator.faults.restDown({ ms: 0 })
      await rig.until(() => rig.collector.status().clockOffset !== undefined, 'the clock is measured')
      rig.simulator.faults.missing({ count: 4 })
      await flow(rig, 30)
      assertTrue(rig)
    })
  })

  test('a market that the exchange does not know leaves the others alone', async () => {
    await withCollector({ symbols: ['NOSUCH', 'BTCUSDT'] }, async (rig) => {
      await flow(rig, 15, ['BTCUSDT'])
      assertTrue(rig, ['BTCUSDT'])
      assert.equal(rig.collector.status().markets.starting, 1)
    })
  })

  test('a slow reader slows the sockets down, and loses nothing', async () => {
    await withCollector({ settings: { highWater: 50 }, simulator: { tradesPerSecond: 2_000 } }, async (rig) => {
      const release = Promise.withResolvers<void>()
      rig.read('trades', 'slow', () => release.promise)
      await rig.until(() => rig.bus.depth().some(({ group, events }) => group === 'slow' && events > 0), 'it reads')
      release.resolve()
      await flow(rig, 15)
      assertTrue(rig)
    })
  })

  test('keeps the truth through everything at once', async () => {
    const simulator: SimulatorOptions = {
      symbols: 6,
      tradesPerSecond: 600,
      faults: [
        { every: 700, kind: 'missing', count: 3 },
        { every: 900, kind: 'duplicate', count: 3 },
        { every: 1_100, kind: 'reorder', count: 3 },
        { every: 1_300, kind: 'malformed', count: 2 },
        { every: 2_900, kind: 'cut' },
        { at: 3_500, kind: 'slow', ms: 1_000, delayMs: 200 },
        { at: 5_000, kind: 'outage', ms: 700 },
        { at: 7_000, kind: 'restDown', ms: 400 },
      ],
    }
    await withCollector({ simulator, settings: { streamsPerConnection: 4, refillAttempts: 1_000 } }, async (rig) => {
      const begun = rig.simulator.now()
      await rig.until(() => rig.simulator.now() - begun > 9_000, 'time passes')
      await flow(rig, 20)
      assertTrue(rig)
      for (const symbol of rig.simulator.symbols) assert.deepEqual(holes(rig, symbol), [])
    })
  })
})
