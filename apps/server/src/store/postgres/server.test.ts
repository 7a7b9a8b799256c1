import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Client } from 'pg'
import { pino } from 'pino'
import { DAY } from '../../domain/timeframe.ts'
import { isFailure } from '../../lib/failure.ts'
import { silent } from '../../lib/log.ts'
import { persevere } from '../../lib/persevere.ts'
import { candle, failsWith, job, MINUTE, T0, trade } from '../samples.ts'
import type { Store } from '../store.ts'
import { postgresStore } from './index.ts'
import { createCluster, missingPrograms } from './testCluster.ts'
import { createDatabases, missingServer } from './testServer.ts'

const skip = await missingServer()
const databases = createDatabases()
after(databases.drop)
const PROCESS = join(import.meta.dirname, 'test-process.ts')
const open = (url: string): Promise<Store> => postgresStore({ url, log: silent })

async function withClient<R>(url: string, work: (client: Client) => Promise<R>): Promise<R> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function tablesOf(url: string, parent: string): Promise<string[]> {
  const sql = `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = $1::regclass ORDER BY 1`
  const { rows } = await withClient(url, (client) => client.query<{ name: string }>(sql, [`candlewire.${parent}`]))
  return rows.map(({ name }) => name)
}

test('each migration runs once, however many processes come at the same moment', { skip }, async () => {
  const url = await databases.fresh()
  const symbols = ['ONE', 'TWO', 'ONE', 'TWO']
  const exits = symbols.map(async (symbol) => {
    const child = spawn(process.execPath, [PROCESS, url, symbol, '8'], { stdio: ['ignore', 'ignore', 'inherit'] })
    const [code] = await once(child, 'exit')
    return code
  })
  assert.deepEqual(await Promise.all(exits), [0, 0, 0, 0])
  const store = await open(url)
  for (const { symbol, count } of await store.series()) {
    assert.equal(count, 800, symbol)
    assert.equal((await store.candles(candle({ symbol }), {})).length, 800)
  }
  await store.close()
  const { rows } = await withClient(url, (client) => client.query('SELECT number FROM candlewire.schema_migrations'))
  assert.deepEqual(
    rows,
    readdirSync(join(import.meta.dirname, 'migrations')).map((_, index) => ({ number: index + 1 })),
  )
})

test('writers of one series see each other, and its count stays true', { skip }, async () => {
  const url = await databases.fresh()
  const stores = await Promise.all([1, 2, 3].map(() => open(url)))
  const rounds = Array.from({ length: 12 }, (_, round) => round)
  await Promise.all(
    stores.map(async (store, index) => {
      for (const round of rounds) {
        const times = [round, round + 1, 20 - round, index * 100 + round]
        await store.putCandles(times.map((n) => candle({ time: n * MINUTE, trades: index * 100 + round })))
        await store.cover([{ ...candle(), series: 'trades', from: round * 10, to: round * 10 + 15, state: 'complete' }])
      }
    }),
  )
  const [one, two] = [stores[0]!, stores[1]!]
  assert.equal((await one.series())[0]?.count, (await two.candles(candle(), {})).length)
  const covered = await two.coverage(candle(), 'trades', { from: 0, to: 1000 })
  assert.deepEqual(
    covered.map(({ from, to }) => [from, to]),
    [[0, 125]],
  )
  await Promise.all(stores.map((store) => store.close()))
})

test('tables by month and day are made as rows need them, and dropped whole', { skip }, async () => {
  const url = await databases.fresh()
  const clock = { time: T0 }
  const store = await postgresStore({ url, log: silent, now: () => clock.time })
  const far = T0 + 40 * DAY
  const put = [candle({ time: far }), candle({ time: T0 - DAY }), candle({ time: T0 })]
  for (const one of put) await store.putCandles([one])
  assert.deepEqual(await tablesOf(url, 'candles'), ['candles_202312', 'candles_202401', 'candles_rest'])
  clock.time = far
  const next = candle({ time: far + MINUTE })
  await store.putCandles([next])
  assert.deepEqual(await tablesOf(url, 'candles'), [
    'candles_202312',
    'candles_202401',
    'candles_202402',
    'candles_rest',
  ])
  assert.deepEqual(await store.candles(candle(), {}), [put[1], put[2], put[0], next], 'what came early has moved')
  const rest = await withClient(url, (client) => client.query('SELECT FROM candlewire.candles_rest'))
  assert.equal(rest.rowCount, 0)

  const trades = [0, 1, 2].map((day) => trade({ id: day, time: T0 + day * DAY }))
  await store.putTrades(trades)
  assert.equal(await store.pruneTrades(T0 + DAY + 1), 2)
  assert.deepEqual(await tablesOf(url, 'trades'), ['trades_20240102', 'trades_20240103', 'trades_rest'])
  await store.putTrades([trades[0]!])
  assert.deepEqual(await store.trades(trade(), { from: 0, to: far }), [trades[0], trades[2]])
  await store.close()
})

test('a schema of a newer version is refused, one of another program left alone', { skip }, async () => {
  const url = await databases.fresh()
  await withClient(url, (client) =>
    client.query('CREATE TABLE jobs (payload text); CREATE TABLE migrations (batch int)'),
  )
  await (await open(url)).close()
  await withClient(url, (client) => client.query('INSERT INTO candlewire.schema_migrations (number) VALUES (999999)'))
  await assert.rejects(open(url), (error: Error) => /newer version .*schema 999999/.test(error.message))
})

test('whatever is wrong with the address is told without its password', { skip }, async () => {
  const url = new URL(await databases.fresh())
  url.password = 'hidden-word'
  const cases = [
    [url.href, 'STORE_DAMAGED', /password/],
    ['postgres://candlewire:hidden-word@127.0.0.1:1/x', 'STORE_UNAVAILABLE', /ECONNREFUSED/],
    ['hidden-word', 'INVALID_SETTING', /not an address/],
  ] as const
  for (const [wrong, code, text] of cases) {
    const lines: string[] = []
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
    await assert.rejects(postgresStore({ url: wrong, log }), (error: unknown) => {
      assert.ok(isFailure(error))
      assert.equal(error.code, code)
      assert.match(error.message, text)
      assert.ok(!JSON.stringify([error.message, error.details, lines]).includes('hidden-word'))
      return true
    })
  }
})

test('a text that no table takes is refused, without those written with it', { skip }, async () => {
  const store = await open(await databases.fresh())
  const wrong = store.putJob(job({ id: 'a\0b' }))
  const [refused, kept] = await Promise.allSettled([wrong, store.putCandles([candle()])])
  assert.ok(refused.status === 'rejected' && failsWith('INVALID_PARAMETER')(refused.reason))
  assert.equal(kept.status, 'fulfilled')
  await store.ping()
  await store.close()
})

test('connections that are cut fail no later call, and nothing falls over', { skip }, async () => {
  const url = await databases.fresh()
  const store = await open(url)
  await Promise.all(Array.from({ length: 6 }, () => store.ping()))
  const name = new URL(url).pathname.slice(1)
  const cut = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()'
  await withClient(url, (client) => client.query(cut, [name]))
  const { signal } = new AbortController()
  await persevere(() => store.putCandles([candle()]), 'put', silent, signal)
  assert.deepEqual(await store.candles(candle(), {}), [candle()])
  await store.close()
})

for (const [way, copyRows] of [
  ['statements', Infinity],
  ['COPY', 1],
] as const)
  test(`a server that crashes in the middle of writes by ${way}: nothing acknowledged is lost, all goes on`, {
    skip: missingPrograms && process.env.REQUIRE_SERVICES !== '1' ? missingPrograms : false,
    timeout: 60_000,
  }, async () => {
    const cluster = await createCluster()
    let server = await cluster.start()
    const { signal } = new AbortController()
    const store = await persevere(
      () => postgresStore({ url: cluster.url, copyRows, log: silent }),
      'open',
      silent,
      signal,
    )
    try {
      const list = (number: number) =>
        Array.from({ length: 200 }, (_, n) => candle({ time: (number * 200 + n) * MINUTE, trades: number }))
      const acknowledged = new Set<number>()
      const refused = new Set<number>()
      let crashing: Promise<void> | undefined
      for (let number = 0; number < 60; number++) {
        const put = store.putCandles(list(number)).then(
          () => acknowledged.add(number),
          (error: unknown) => {
            assert.ok(failsWith('STORE_UNAVAILABLE')(error), String(error))
            refused.add(number)
          },
        )
        if (number === 20) crashing = server.crash()
        await put
      }
      await crashing
      assert.ok(acknowledged.size >= 20 && refused.size > 0, `${acknowledged.size} put, ${refused.size} refused`)
      await assert.rejects(store.ping(), failsWith('STORE_UNAVAILABLE'))

      server = await cluster.start()
      const rows = await persevere(() => store.candles(candle(), {}), 'read', silent, signal)
      await assert.rejects(store.ping(), failsWith('STORE_UNAVAILABLE'), 'the newest write was not kept')
      const sizes = new Map<number, number>()
      for (const { trades } of rows) sizes.set(trades, (sizes.get(trades) ?? 0) + 1)
      for (const number of acknowledged) assert.equal(sizes.get(number), 200, `list ${number} was acknowledged`)
      for (const [number, size] of sizes) assert.equal(size, 200, `list ${number} is whole`)
      for (const number of refused) await store.putCandles(list(number))
      await store.ping()
      assert.equal((await store.candles(candle(), {})).length, 60 * 200)
      assert.equal((await store.series())[0]?.count, 60 * 200)
      assert.equal((await store.revisions(candle(), 0)).length, 1, 'putting again is no revision')
    } finally {
      await store.close()
      await server.crash()
      await cluster.remove()
    }
  })
