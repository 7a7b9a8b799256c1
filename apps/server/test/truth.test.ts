import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StatsSchema } from '@candlewire/protocol/schemas'
import type { FaultStep, Simulator } from '@candlewire/simulator'
import { Value } from 'typebox/value'
import type { Store } from '../src/store/store.ts'
import { candleFaults, rowsOf, servedFaults, tradeFaults, truthBetween } from './compare.ts'
import { get, openExchange, startBeforeMinute, startPlatform, temporary, withStore } from './platform.ts'
import { until } from './until.ts'

const [SECOND, MINUTE] = [1_000, 60_000]
const LENGTHS = { '1s': SECOND, '5s': 5 * SECOND, '1m': MINUTE } as const
/** How far behind the exchange a stop may leave us: margins, the last refill, a busy machine. */
const BEHIND = 10 * SECOND

/** Everything that can go wrong on the way, again and again. */
const faults: FaultStep[] = [
  { every: 900, kind: 'missing', count: 3 },
  { every: 1_100, kind: 'duplicate', count: 4 },
  { every: 1_300, kind: 'reorder', count: 4 },
  { every: 1_700, kind: 'malformed', count: 2 },
  { every: 2_900, kind: 'slow', ms: 500, delayMs: 300 },
  { every: 4_100, kind: 'late', ms: 1_500, symbols: ['BTCUSDT', 'ETHUSDT'] },
  { at: 4_000, kind: 'cut' },
  { at: 9_000, kind: 'silence', ms: 2_000, symbols: ['BTCUSDT'] },
  { at: 12_000, kind: 'cut', symbols: ['ETHUSDT'] },
]

/** Compares all that is stored of a market since `from` with what happened. Answers where trades end. */
async function compareStored(store: Store, simulator: Simulator, symbol: string, from: number): Promise<number> {
  const market = { exchange: 'binance', symbol }
  const coverage = await store.coverage(market, 'trades', { from, to: simulator.now() + MINUTE })
  const unknown = coverage.filter(({ state }) => state === 'unknown')
  assert.deepEqual(unknown, [], `${symbol} has holes`)
  const to = Math.max(from, ...coverage.map((part) => part.to))
  const trades = (await store.trades(market, { from, to })).sort((a, b) => Number(a.id) - Number(b.id))
  // On a busy machine the exchange may have sent its last trade later than the margin that we allow it.
  const newest = Number(trades.at(-1)?.id ?? 0)
  const truth = truthBetween(simulator, symbol, from, to).filter(({ id }) => id <= newest)
  assert.deepEqual(tradeFaults(trades, truth), [], `trades of ${symbol}`)
  for (const timeframe of ['1s', '5s', '1m'] as const) {
    const length = LENGTHS[timeframe]
    const candles = await store.candles({ ...market, timeframe }, { from })
    // What closed shortly before the stop may lack trades that were on their way: the next start makes it anew.
    const end = Math.floor((to - BEHIND) / length) * length
    const rows = timeframe === '5s' ? rowsOf(truth, length) : simulator.truth.candles(symbol, timeframe, from, to)
    const due = rows.filter(([open]) => open < end)
    const settled = candles.filter(({ time }) => time < end)
    assert.deepEqual(candleFaults(settled, due), [], `${timeframe} of ${symbol}`)
  }
  return to
}

async function compareServed(url: string, simulator: Simulator, symbol: string): Promise<void> {
  for (const interval of ['1m', '5m', '1h', '4h', '1d'] as const) {
    const query = `interval=${interval}&closed=true&numbers=string&limit=1000`
    const faults = async () => {
      const { data } = await get(`${url}/api/v1/crypto/${symbol}/data?${query}`)
      return servedFaults(data, simulator, symbol, interval)
    }
    // Larger candles are rolled up a moment after the history that they are made of has come.
    await until('larger candles', async () => (await faults()).length === 0, 20_000).catch(() => {})
    assert.deepEqual(await faults(), [], `${interval} of ${symbol}, by REST`)
  }
}

const idle = async (url: string): Promise<boolean> => {
  const { stats, checks } = await get(`${url}/health`)
  const { mode, messages_received: messages } = Object(stats)
  return mode === 'websocket_only' && messages > 0 && Object(checks).binance?.status === 'ok'
}

describe('the truth', { concurrency: true }, () => {
  test('whatever the wire does, each trade is stored once and each candle equals the exchange', async (t) => {
    const simulator = await openExchange(t, { start: startBeforeMinute(15 * SECOND), faults })
    const data = await temporary(t)
    const from = Math.floor(simulator.now() / MINUTE) * MINUTE
    const reached = async () => {
      const stopped = simulator.now()
      await withStore(data, async (store) => {
        for (const symbol of simulator.symbols) {
          const to = await compareStored(store, simulator, symbol, from)
          assert.ok(to > stopped - BEHIND, `${symbol} ends ${stopped - to} ms before the stop`)
        }
        const minutes = await store.candles({ exchange: 'binance', symbol: 'BTCUSDT', timeframe: '1m' }, { from })
        assert.ok(minutes.length > 0, 'a whole minute was made')
      })
    }

    const first = await startPlatform(t, simulator, data)
    await until('a full minute and then some', () => simulator.now() > from + MINUTE + 6 * SECOND)
    await until('history', () => idle(first.url))
    for (const symbol of simulator.symbols) await compareServed(first.url, simulator, symbol)
    const { reconciliation } = Value.Parse(StatsSchema, await get(`${first.url}/stats`))
    assert.ok((reconciliation?.outcomes.equal ?? 0) > 100, 'candles were compared with the exchange')
    assert.equal(reconciliation?.repaired, 0)
    await first.stop()
    await reached()

    const pause = simulator.now() + 4 * SECOND
    await until('the market to trade on without us', () => simulator.now() > pause)
    const second = await startPlatform(t, simulator, data)
    await until('time to make the candles around the stop anew', () => simulator.now() > pause + 16 * SECOND)
    await until('history', () => idle(second.url))
    await second.stop()
    await reached()
  })
})
