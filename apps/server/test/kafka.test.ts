import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noOwnBroker, ownBroker } from '../src/bus/kafka/ownBroker.ts'
import { foldTrades } from '../src/domain/fold.ts'
import { timeframe } from '../src/domain/timeframe.ts'
import { get, openExchange, startPlatform, temporary, withStore } from './platform.ts'
import { until } from './until.ts'

const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const all = { from: 0, to: Number.MAX_SAFE_INTEGER }

describe('a server on Kafka', { skip: noOwnBroker }, () => {
  test('begins without its broker and says so, and loses nothing over outages and restarts', async (t) => {
    const broker = await ownBroker()
    t.after(broker.remove)
    const simulator = await openExchange(t, { symbols: [market.symbol], tradesPerSecond: 40 })
    const data = await temporary(t)
    const variables = {
      SYMBOLS: market.symbol,
      KAFKA_BROKER: broker.address,
      KAFKA_PARTITIONS: '3',
      TIMEFRAMES: '1s,1m',
      GAP_LOOKBACK_HOURS: '1',
    }
    const start = () => startPlatform(t, simulator, data, variables)
    const problem = async (url: string) => Object(Object((await get(`${url}/health`)).checks).kafka).message
    const up = async (url: string) =>
      /^candlewire_kafka_up (\d)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]
    const newest = async (url: string) => {
      const answer = await get(`${url}/api/v1/crypto/${market.symbol}/data?interval=1s&limit=1`)
      return String(JSON.stringify(Object(answer.data).data))
    }

    const first = await start()
    assert.match(String(await problem(first.url)), /./)
    await until('records to wait on disk', async () => /wait on disk/.test(String(await problem(first.url))))
    assert.equal((await get(`${first.url}/health`)).status, 'degraded')
    await broker.run('start')
    await until('the log to be on Kafka', async () => (await problem(first.url)) === undefined)
    await until('candles', async () => (await newest(first.url)) !== '[]')
    await until('the figure', async () => (await up(first.url)) === '1')

    await broker.run('stop-broker', '0')
    await until('the outage to be seen', async () => (await problem(first.url)) !== undefined)
    await until('the figure to fall', async () => (await up(first.url)) === '0')
    await broker.run('start-broker', '0')
    const before = await newest(first.url)
    await until('the log to be back', async () => (await problem(first.url)) === undefined)
    await until('newer candles', async () => (await newest(first.url)) !== before)
    await first.stop()

    const second = await start()
    const stopped = await newest(second.url)
    await until('candles after the restart', async () => (await newest(second.url)) !== stopped)
    await second.stop()

    await withStore(data, async (store) => {
      const trades = await store.trades(market, all)
      const ids = trades.map(({ id }) => Number(id))
      const [low, high] = [ids[0] ?? 0, ids.at(-1) ?? 0]
      assert.ok(trades.length > 100)
      assert.deepEqual(
        ids.toSorted((a, b) => a - b),
        Array.from({ length: high - low + 1 }, (_, n) => low + n),
        'every trade once',
      )
      const candles = (await store.candles({ ...market, timeframe: '1s' }, {})).filter(
        ({ source }) => source === 'trades',
      )
      const folded = new Map(foldTrades(trades, timeframe('1s')).map((candle) => [candle.time, candle]))
      const [begin, end] = [candles[0]?.time ?? 0, candles.at(-1)?.time ?? 0]
      assert.ok(candles.length > 10)
      assert.deepEqual(
        candles.map(({ time, volume, trades: count }) => [time, volume, count]),
        [...folded.values()]
          .filter(({ time }) => time >= begin && time <= end)
          .map(({ time, volume, trades: count }) => [time, volume, count]),
        'every candle is the fold of its trades',
      )
    })
  })
})
