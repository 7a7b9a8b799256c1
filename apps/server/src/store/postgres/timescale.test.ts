import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Client } from 'pg'
import { silent } from '../../lib/log.ts'
import { storeContract } from '../contract.ts'
import { candle, MINUTE, T0, trade } from '../samples.ts'
import type { Store } from '../store.ts'
import { postgresStore } from './index.ts'
import { createDatabases } from './testServer.ts'
import { timescaleDouble } from './timescaleDouble.ts'

// TIMESCALE_URL: a real server with the extension, whose user may make databases. Else a double takes its place.
const real = process.env.TIMESCALE_URL
const databases = createDatabases(real)
const doubles: Awaited<ReturnType<typeof timescaleDouble>>[] = []
after(() => Promise.all([...doubles.map((double) => double.close()), databases.drop()]))

async function address(): Promise<string> {
  if (real) return databases.fresh()
  const double = await timescaleDouble()
  doubles.push(double)
  return double.url
}
const open = (url: string, now = Date.now): Promise<Store> =>
  postgresStore({ url, now, log: silent, ...(!real && { connections: 1, copyRows: Infinity }) })

/** With a connection of its own, while no store has one. */
async function withClient<R>(url: string, work: (client: Client) => Promise<R>): Promise<R> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

storeContract('TimescaleDB', async (now) => open(await address(), now), real ? 1 : 0.1)

test('tables are cut by time, old candles are compressed and can still be revised', async () => {
  const url = await address()
  const symbols = ['ONE', 'TWO']
  const store = await open(url)
  const put = symbols.flatMap((symbol) =>
    Array.from({ length: 300 }, (_, n) => candle({ symbol, time: T0 + n * 60 * MINUTE, timeframe: '1h', trades: n })),
  )
  await store.putCandles(put)
  await store.putTrades([0, 1, 2].map((day) => trade({ id: day, time: T0 + day * 24 * 60 * MINUTE })))
  await store.close()

  await withClient(url, async (client) => {
    const tables = await client.query(
      'SELECT hypertable_name AS name FROM timescaledb_information.hypertables ORDER BY 1',
    )
    assert.deepEqual(
      tables.rows.map(({ name }) => name),
      ['candles', 'named_trades', 'trades'],
    )
    const jobs = await client.query(
      'SELECT proc_name AS name FROM timescaledb_information.jobs WHERE hypertable_name = $1',
      ['candles'],
    )
    assert.deepEqual(
      jobs.rows.map(({ name }) => name),
      ['policy_compression'],
    )
    const chunks = await client.query("SELECT compress_chunk(c) FROM show_chunks('candlewire.candles') c")
    assert.ok((chunks.rowCount ?? 0) >= 2, `${chunks.rowCount} chunks`)
  })

  const again = await open(url)
  for (const symbol of symbols)
    assert.deepEqual(
      await again.candles(candle({ symbol, timeframe: '1h' }), {}),
      put.filter((one) => one.symbol === symbol),
    )
  const late = put.filter((_, n) => n % 7 === 0).map((one) => ({ ...one, revision: 1, close: 7 }))
  await again.putCandles([...late, candle({ symbol: 'ONE', timeframe: '1h', time: T0 - 60 * MINUTE })])
  for (const one of late) assert.deepEqual(await again.candles(one, { from: one.time, to: one.time }), [one])
  const [before, now] = await again.revisions(late[0]!, late[0]!.time)
  assert.deepEqual([before?.candle, now?.candle], [put[0], late[0]])
  assert.deepEqual(
    (await again.series()).map(({ symbol, count }) => [symbol, count]),
    [
      ['ONE', 301],
      ['TWO', 300],
    ],
  )
  assert.equal(await again.pruneTrades(T0 + 24 * 60 * MINUTE + 1), 2)
  await again.close()
  const left = await withClient(url, (client) => client.query("SELECT show_chunks('candlewire.trades')"))
  assert.equal(left.rowCount, 2, 'a whole day went as one')
})
