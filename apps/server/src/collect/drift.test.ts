import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences, runCollector } from '../../test/exchange-rig.ts'
import type { Trade } from '../domain/trade.ts'
import { exchange } from '../exchanges/index.ts'

type Rig = Awaited<ReturnType<typeof runCollector>>

/** The exchange, with trades of one market spoilt on the socket (every third), and on request by REST too. */
function drifting(symbol: string, spoil: (trade: Trade) => Trade, restToo = false) {
  const real = exchange('binance')
  const bad = (trade: Trade) => trade.symbol === symbol && typeof trade.id === 'number' && trade.id % 3 === 0
  return {
    ...real,
    stream: {
      ...real.stream,
      read: (frame: Buffer, received: number) =>
        real.stream.read(frame, received).map((event) => (event.type === 'trade' && bad(event) ? spoil(event) : event)),
    },
    rest: {
      ...real.rest,
      tradesFrom(query: { symbol: string; fromId: number; limit?: number }) {
        const request = real.rest.tradesFrom(query)
        const read: typeof request.read = (body, received) =>
          request.read(body, received).map((trade) => (restToo && bad(trade) ? spoil(trade) : trade))
        return { ...request, read }
      },
    },
  }
}

async function reach({ simulator, trades, until }: Rig, symbol: string, more: number): Promise<void> {
  const end = simulator.truth.ids(symbol).last + more
  await until(() => Number(trades(symbol).at(-1)?.id ?? 0) >= end, `${symbol} does not reach ${end}`)
}

test('trades that drift on the socket come from REST, and the other market never notices', async () => {
  const kept: string[] = []
  const rig = await runCollector({
    exchange: drifting('ETHUSDT', (trade) => ({ ...trade, time: Math.floor(trade.time / 1_000) })),
    simulator: { tradesPerSecond: { BTCUSDT: 100, ETHUSDT: 10 } },
    quarantineFile: ({ symbol, kind, text }) => kept.push(`${symbol} ${kind} ${text.includes('"e":"trade"')}`),
  })
  try {
    for (let round = 0; round < 2; round++) {
      await reach(rig, 'ETHUSDT', 10)
      await reach(rig, 'BTCUSDT', 20)
    }
    for (const symbol of rig.simulator.symbols) {
      assert.deepEqual(differences(rig.simulator, symbol, rig.trades(symbol)), [], symbol)
      assert.deepEqual(
        rig
          .of(symbol)
          .slice(1)
          .filter(({ hole }) => hole),
        [],
      )
    }
    const { drifting: rows, quarantined } = rig.collector.status()
    assert.deepEqual(
      rows.map(({ symbol }) => symbol),
      ['ETHUSDT'],
    )
    assert.ok(quarantined.every(({ symbol, reason }) => symbol === 'ETHUSDT' && reason === 'time'))
    assert.deepEqual([...new Set(kept)], ['ETHUSDT time true'])
  } finally {
    await rig.close()
  }
})

test('a trade that REST has no better copy of is a hole, and the feed goes on behind it', async () => {
  const rig = await runCollector({
    exchange: drifting('ETHUSDT', (trade) => ({ ...trade, time: 12 }), true),
    simulator: { tradesPerSecond: { BTCUSDT: 100, ETHUSDT: 10 } },
  })
  try {
    await reach(rig, 'ETHUSDT', 10)
    await reach(rig, 'ETHUSDT', 10)
    assert.deepEqual(differences(rig.simulator, 'BTCUSDT', rig.trades('BTCUSDT')), [])
    const trades = rig.trades('ETHUSDT')
    const truth = rig.simulator.truth.trades('ETHUSDT', Number(trades[0]!.id), Number(trades.at(-1)!.id))
    assert.deepEqual(
      trades.map(({ id }) => id),
      truth.map(({ id }) => id).filter((id) => id % 3 !== 0),
    )
    const holes = rig.of('ETHUSDT').flatMap(({ hole }) => (hole ? [hole] : []))
    const lost = truth.filter(
      ({ id, time }) => id % 3 === 0 && !holes.some(({ from, to }) => from <= time && time < to),
    )
    assert.deepEqual(lost, [], 'each lost trade lies in a hole that is named')
  } finally {
    await rig.close()
  }
})
