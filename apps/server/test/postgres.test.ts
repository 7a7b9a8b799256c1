import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silent } from '../src/lib/log.ts'
import { postgresStore } from '../src/store/postgres/index.ts'
import { createDatabases, missingServer } from '../src/store/postgres/testServer.ts'
import { tradeFaults, truthBetween } from './compare.ts'
import { get, openExchange, startPlatform, temporary } from './platform.ts'
import { until } from './until.ts'

const databases = createDatabases()
after(databases.drop)
const market = { exchange: 'binance', symbol: 'BTCUSDT' }

test('everything lives in two databases at once: what happened is in both, no file is made', {
  skip: await missingServer(),
}, async (t) => {
  const simulator = await openExchange(t, { symbols: ['BTCUSDT'], historyMs: 5 * 60_000 })
  const [series, relational] = [new URL(await databases.fresh()), await databases.fresh()]
  const data = await temporary(t)
  const variables = {
    SYMBOLS: 'BTCUSDT',
    TIMESCALE_HOST: series.hostname,
    TIMESCALE_PORT: series.port,
    TIMESCALE_DB: series.pathname.slice(1),
    TIMESCALE_USER: series.username,
    TIMESCALE_PASSWORD: series.password,
    DATABASE_URL: relational.replace('postgres:', 'postgresql+asyncpg:'),
  }
  const platform = await startPlatform(t, simulator, data, variables)
  const second = startPlatform(t, simulator, await temporary(t), { SYMBOLS: 'BTCUSDT', DATABASE_URL: relational })
  await assert.rejects(second, /another server uses postgres:.*stop it first/, 'one of its databases suffices')
  const stores = await Promise.all(
    [series.href, relational].map((url) => postgresStore({ url, connections: 2, log: silent })),
  )
  t.after(() => Promise.all(stores.map((store) => store.close())))
  for (const store of stores) {
    await until('trades', async () => Number((await store.lastTrade(market))?.id) > 0)
    await until('candles', async () => (await store.candles({ ...market, timeframe: '1s' }, {})).length > 3)
  }
  await until('history', async () => Object((await get(`${platform.url}/health`)).stats).mode === 'websocket_only')
  await platform.stop()

  for (const store of stores) {
    const [covered] = (await store.coverage(market, 'trades', { from: 0, to: simulator.now() })).slice(-1)
    assert.ok(covered && covered.state !== 'unknown')
    const trades = (await store.trades(market, covered)).sort((a, b) => Number(a.id) - Number(b.id))
    const newest = Number(trades.at(-1)?.id)
    const truth = truthBetween(simulator, market.symbol, covered.from, covered.to).filter(({ id }) => id <= newest)
    assert.deepEqual(tradeFaults(trades, truth), [])
  }
  const [one, other] = await Promise.all(stores.map((store) => store.series()))
  assert.deepEqual(one, other)
  assert.ok(!existsSync(join(data, 'candlewire.db')))
})
