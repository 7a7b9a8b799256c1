import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differences, runCollector } from '../../test/exchange-rig.ts'

type Rig = Awaited<ReturnType<typeof runCollector>>

/** Waits until a market has published so many trades more. */
async function more({ trades, until }: Rig, symbol: string, count: number): Promise<void> {
  const end = Number(trades(symbol).at(-1)?.id ?? 0) + count
  await until(() => Number(trades(symbol).at(-1)?.id ?? 0) >= end, `${symbol} does not reach ${end}`)
}

async function silences({ metrics }: Rig): Promise<Record<string, number>> {
  const { values } = await metrics.silences.get()
  return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]))
}

/** The longest stretch by which a claim ran ahead of a trade that came later, ms. */
function furthestClaim(rig: Rig, symbol: string): number {
  let earliest = Number.POSITIVE_INFINITY
  let furthest = 0
  for (const { upTo, trades } of rig.of(symbol).toReversed()) {
    furthest = Math.max(furthest, upTo - earliest)
    for (const { time } of trades) earliest = Math.min(earliest, time)
  }
  return furthest
}

const windows = { silenceMinMs: 300, silenceUnknownMs: 500, silenceMaxMs: 1_000, pollEveryMs: 200 }

describe('a silent stream', { concurrency: 4 }, () => {
  test('on a connection that brings other markets is found, polled, claimed only as far as proven, and comes back', async () => {
    const rig = await runCollector({ settings: { ...windows, marginMs: 250 } })
    try {
      await rig.until(() => rig.collector.status().markets.live === 2, 'both are live')
      await more(rig, 'ETHUSDT', 30)
      rig.simulator.faults.missing({ symbols: ['ETHUSDT'], count: 1_000_000 })
      await rig.until(() => rig.collector.status().markets.deaf === 1, 'the one is deaf')
      await more(rig, 'ETHUSDT', 60)
      await more(rig, 'BTCUSDT', 60)
      assert.equal(rig.collector.status().reconnects, 1, 'its connection was replaced once')
      rig.simulator.faults.missing({ symbols: ['ETHUSDT'], count: 1 })
      await rig.until(() => rig.collector.status().markets.live === 2, 'it is heard again')
      await more(rig, 'ETHUSDT', 30)
      for (const symbol of rig.simulator.symbols)
        assert.deepEqual(differences(rig.simulator, symbol, rig.trades(symbol)), [])
      const { asked = 0, deaf = 0 } = await silences(rig)
      assert.ok(asked > 0)
      assert.ok(deaf >= 1)
      // Silence, patience and the age of the exchange's figures, as `silenceMaxMs` is described, and a slow machine.
      const window = windows.silenceMaxMs + 200 + 1_000
      assert.ok(furthestClaim(rig, 'ETHUSDT') <= window, `${furthestClaim(rig, 'ETHUSDT')} ms`)
      assert.equal(furthestClaim(rig, 'BTCUSDT'), 0, 'its neighbour was not touched')
    } finally {
      await rig.close()
    }
  })

  test('beside a ticker is found by what the ticker says, without a question', async () => {
    const rig = await runCollector({ channels: ['ticker'] })
    try {
      await rig.until(() => rig.collector.status().markets.live === 2, 'both are live')
      await more(rig, 'ETHUSDT', 30)
      const before = (await silences(rig)).asked ?? 0
      rig.simulator.faults.missing({ symbols: ['ETHUSDT'], count: 1_000_000 })
      await rig.until(() => rig.collector.status().markets.deaf === 1, 'the one is deaf')
      await more(rig, 'ETHUSDT', 30)
      assert.equal((await silences(rig)).asked ?? 0, before)
      assert.deepEqual(differences(rig.simulator, 'ETHUSDT', rig.trades('ETHUSDT')), [])
    } finally {
      await rig.close()
    }
  })

  test('of markets that do not trade is asked about many at a time, and stays', async () => {
    const symbols = 30
    const rig = await runCollector({
      simulator: { symbols, tradesPerSecond: { BTCUSDT: 100, ETHUSDT: 0.001 }, historyMs: 600_000 },
      settings: { ...windows, askShare: 0.8 },
    })
    try {
      await rig.until(() => rig.collector.status().markets.live === symbols, 'all are live')
      const quiet = rig.simulator.symbols.slice(2)
      const begun = quiet.map((symbol) => rig.of(symbol).at(-1)?.upTo ?? 0)
      const asked = (await silences(rig)).asked ?? 0
      const requests = rig.rest.usage().requests
      const passed = (symbol: string, index: number) => (rig.of(symbol).at(-1)?.upTo ?? 0) > begun[index]! + 5_000
      await rig.until(() => quiet.every(passed), 'their silence is proven on and on')
      const questions = ((await silences(rig)).asked ?? 0) - asked
      const sent = rig.rest.usage().requests - requests
      assert.ok(questions > 0)
      assert.ok(sent < questions / 3, `${sent} requests for ${questions} questions`)
      assert.equal(rig.collector.status().reconnects, 0, 'no connection was suspected in the end')
      assert.equal((await silences(rig)).deaf ?? 0, 0)
    } finally {
      await rig.close()
    }
  })

  test('that is halted is known as halted, keeps its feed, and teaches no false rhythm', async () => {
    const rig = await runCollector({ settings: windows })
    const states: string[] = []
    rig.read('feed', 'test', (events) =>
      states.push(
        ...events.filter(({ symbol }) => symbol === 'ETHUSDT').map(({ state, reason }) => `${state} ${reason}`),
      ),
    )
    try {
      await rig.until(() => rig.collector.status().markets.live === 2, 'both are live')
      rig.simulator.faults.halt({ symbols: ['ETHUSDT'], ms: 4_000 })
      const standing = rig.simulator.now() + 100
      await rig.until(() => rig.simulator.now() > standing, 'it stands still')
      const last = rig.simulator.truth.ids('ETHUSDT').last
      await rig.until(() => Number(rig.trades('ETHUSDT').at(-1)?.id) >= last, 'the last trades have come')
      rig.collector.halt('ETHUSDT', true)
      const begun = rig.of('ETHUSDT').at(-1)!.upTo
      await rig.until(() => (rig.of('ETHUSDT').at(-1)?.upTo ?? 0) > begun + 1_000, 'it is still proven')
      assert.equal(rig.of('ETHUSDT').at(-1)?.halted, true)
      assert.equal(rig.collector.status().markets.halted, 1)
      await more(rig, 'ETHUSDT', 20)
      assert.equal(rig.collector.status().markets.halted, 0, 'it trades, whatever the list says')
      assert.deepEqual(differences(rig.simulator, 'ETHUSDT', rig.trades('ETHUSDT')), [])
      assert.deepEqual(states.slice(-2), ['up halted', 'up live'])
      assert.equal(rig.of('ETHUSDT').at(-1)?.halted, undefined)
    } finally {
      await rig.close()
    }
  })

  test('at a stop is asked about once more: what the wire withheld still comes', async () => {
    const rig = await runCollector({ settings: { silenceMinMs: 30_000, silenceUnknownMs: 30_000, marginMs: 250 } })
    try {
      await rig.until(() => rig.collector.status().markets.live === 2, 'both are live')
      rig.simulator.faults.missing({ symbols: ['ETHUSDT'], count: 1_000_000 })
      const { last } = rig.simulator.truth.ids('ETHUSDT')
      await rig.until(() => rig.simulator.truth.ids('ETHUSDT').last > last + 60, 'the market goes on')
      await rig.stop()
      await rig.until(() => rig.of('ETHUSDT').length > 0, 'batches')
      assert.ok(Number(rig.trades('ETHUSDT').at(-1)?.id) > last + 60)
      assert.deepEqual(differences(rig.simulator, 'ETHUSDT', rig.trades('ETHUSDT')), [])
    } finally {
      await rig.close()
    }
  })

  test('at a stop without an answer is taken back as far as it was never proven', async () => {
    const rig = await runCollector({ settings: { silenceMinMs: 30_000, silenceUnknownMs: 30_000, marginMs: 250 } })
    try {
      await rig.until(() => rig.collector.status().markets.live === 2, 'both are live')
      rig.simulator.faults.missing({ symbols: ['ETHUSDT'], count: 1_000_000 })
      rig.simulator.faults.restDown({ ms: 60_000 })
      const { last } = rig.simulator.truth.ids('ETHUSDT')
      await rig.until(() => rig.simulator.truth.ids('ETHUSDT').last > last + 300, 'the market goes on')
      await rig.stop()
      await rig.until(() => rig.of('ETHUSDT').some(({ doubtFrom }) => doubtFrom !== undefined), 'a claim taken back')
      const newest = rig.trades('ETHUSDT').at(-1)!
      const missed = rig.simulator.truth.trades('ETHUSDT', Number(newest.id) + 1)[0]!
      assert.ok(rig.of('ETHUSDT').at(-1)!.doubtFrom! <= missed.time)
    } finally {
      await rig.close()
    }
  })
})
