import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differences, runCollector } from '../../test/exchange-rig.ts'
import { exchange } from '../exchanges/index.ts'

type Rig = Awaited<ReturnType<typeof runCollector>>

/** A collector of two markets, after each of its connections carries them. */
async function running(options: Parameters<typeof runCollector>[0], connections: number) {
  const rig = await runCollector(options)
  const states: string[] = []
  rig.read('feed', 'test', (events) => states.push(...events.map(({ state }) => state)))
  await rig.until(() => rig.simulator.connections() === connections, 'the connections are there')
  await rig.until(() => rig.collector.status().streams === 2 * connections, 'they carry both markets')
  await rig.until(() => rig.collector.status().markets.live === 2, 'both are live')
  await more(rig, 30)
  return { rig, states, asked: await requests(rig) }
}

/** Waits until each market has published so many trades more. */
async function more({ simulator, trades, until }: Rig, count: number): Promise<void> {
  for (const symbol of simulator.symbols) {
    const end = Number(trades(symbol).at(-1)?.id ?? simulator.truth.ids(symbol).last) + count
    await until(() => Number(trades(symbol).at(-1)?.id ?? 0) >= end, `${symbol} does not reach ${end}`)
  }
}

/** REST requests and trades by REST so far. */
async function requests({ metrics }: Rig) {
  const sum = async (counter: { get: () => Promise<{ values: { value: number; labels: object }[] }> }, label = '') =>
    (await counter.get()).values
      .filter(({ labels }) => Object.values(labels).join().includes(label))
      .reduce((total, { value }) => total + value, 0)
  return { requests: await sum(metrics.requests), refilled: await sum(metrics.trades, 'refill') }
}

const wrong = (rig: Rig) =>
  rig.simulator.symbols.flatMap((symbol) => differences(rig.simulator, symbol, rig.trades(symbol)))

describe('two connections a stream', { concurrency: 4 }, () => {
  test('one that is cut, or lacks frames, costs no request, no trade and no state', async () => {
    const { rig, states, asked } = await running({ settings: { hotHot: true } }, 2)
    try {
      for (let round = 0; round < 4; round++) {
        rig.simulator.faults.missing({ count: 10, half: true })
        await more(rig, 20)
      }
      const { reconnects } = rig.collector.status()
      rig.simulator.faults.cut({ half: true })
      await rig.until(() => rig.collector.status().reconnects > reconnects, 'it opens another')
      await rig.until(() => rig.collector.status().streams === 4, 'the pair is whole')
      await more(rig, 60)
      assert.deepEqual(wrong(rig), [], 'nothing lost, nothing doubled')
      assert.deepEqual(await requests(rig), asked, 'REST was not asked')
      assert.equal(states.includes('down'), false)
    } finally {
      await rig.close()
    }
  })

  test('one that goes deaf is replaced, without a question to REST', async () => {
    const settings = { hotHot: true, silenceUnknownMs: 300 }
    const { rig, asked } = await running({ settings }, 2)
    try {
      rig.simulator.faults.silence({ ms: 2_500, half: true })
      await rig.until(() => rig.collector.status().reconnects > 0, 'the deaf one is replaced')
      await more(rig, 30)
      assert.deepEqual(wrong(rig), [])
      assert.deepEqual(await requests(rig), asked)
    } finally {
      await rig.close()
    }
  })
})

describe('rotation', { concurrency: 4 }, () => {
  for (const hotHot of [false, true]) {
    test(`ahead of the end of life costs no request and no trade, ${hotHot ? 'in pairs' : 'alone'}`, async () => {
      const binance = exchange('binance')
      const limits = { ...binance.limits, connectionLifeMs: 2_000 }
      const { rig, states, asked } = await running(
        { exchange: { ...binance, limits }, settings: { hotHot } },
        hotHot ? 2 : 1,
      )
      try {
        const { reconnects } = rig.collector.status()
        await rig.until(() => rig.collector.status().reconnects >= reconnects + 4, 'it rotates')
        await more(rig, 30)
        assert.deepEqual(wrong(rig), [])
        assert.deepEqual(await requests(rig), asked)
        assert.equal(states.includes('down'), false)
      } finally {
        await rig.close()
      }
    })
  }
})
