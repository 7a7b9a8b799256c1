import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { silent } from '../src/lib/log.ts'
import { mysqlStore } from '../src/store/mysql/index.ts'
import { connect, freshDatabase, noServer } from '../src/store/mysql/testDatabase.ts'
import { tradeFaults, truthBetween } from './compare.ts'
import { get, openExchange, startPlatform, temporary } from './platform.ts'
import { until } from './until.ts'

const market = { exchange: 'binance', symbol: 'BTCUSDT' }

test('everything lives in MySQL, with what the exchange says of its markets, for one server at a time', {
  skip: noServer,
}, async (t) => {
  const simulator = await openExchange(t, { symbols: ['BTCUSDT', 'ETHBTC'], historyMs: 5 * 60_000 })
  const url = await freshDatabase()
  const data = await temporary(t)
  const variables = { SYMBOLS: 'BTCUSDT', DATABASE_URL: url.replace('mysql:', 'mysql+aiomysql:') }
  const platform = await startPlatform(t, simulator, data, variables)
  await assert.rejects(
    startPlatform(t, simulator, await temporary(t), variables),
    /another server uses .*candlewire_test_.*stop it first/,
  )
  const store = await mysqlStore({ url, log: silent })
  t.after(() => store.close())
  const beside = await connect(url)
  t.after(() => beside.end())
  const pairs = async () => {
    const sql = `SELECT symbol, base_currency, quote_currency, is_active FROM trading_pairs
      WHERE base_currency IS NOT NULL ORDER BY symbol`
    const [rows] = await beside.query({ sql, rowsAsArray: true })
    return rows
  }
  await until('markets', async () => Object(await pairs()).length === 2)
  assert.deepEqual(await pairs(), [
    ['BTCUSDT', 'BTC', 'USDT', 1],
    ['ETHBTC', 'ETH', 'BTC', 1],
  ])
  await until('trades', async () => Number((await store.lastTrade(market))?.id) > 0)
  await until('candles', async () => (await store.candles({ ...market, timeframe: '1s' }, {})).length > 3)
  await until('history', async () => Object((await get(`${platform.url}/health`)).stats).mode === 'websocket_only')
  await platform.stop()

  const [covered] = (await store.coverage(market, 'trades', { from: 0, to: simulator.now() })).slice(-1)
  assert.ok(covered && covered.state !== 'unknown')
  const trades = (await store.trades(market, covered)).sort((a, b) => Number(a.id) - Number(b.id))
  const newest = Number(trades.at(-1)?.id)
  const truth = truthBetween(simulator, market.symbol, covered.from, covered.to).filter(({ id }) => id <= newest)
  assert.deepEqual(tradeFaults(trades, truth), [])
  assert.ok(!existsSync(join(data, 'candlewire.db')))
  await (await startPlatform(t, simulator, data, variables)).stop()
})
