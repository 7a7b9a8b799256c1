import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { silent } from '../../lib/log.ts'
import { candle, failsWith } from '../samples.ts'
import { readAddress } from './address.ts'
import { mysqlStore } from './index.ts'
import { migrate } from './migrate.ts'
import { createServer } from './server.ts'
import { connect, freshDatabase, noServer } from './testDatabase.ts'

const PROCESS = join(import.meta.dirname, 'test-process.ts')
const STEPS = readdirSync(join(import.meta.dirname, 'migrations')).map((_, index) => index + 1)
const nameOf = (number: number): string => `${String(number).padStart(6, '0')}.sql`
const process_ = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [PROCESS, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })

async function query(url: string, sql: string): Promise<unknown[]> {
  const connection = await connect(url)
  try {
    const [rows] = await connection.query({ sql, rowsAsArray: true })
    return Array.isArray(rows) ? rows.flat() : []
  } finally {
    await connection.end()
  }
}

const opened = (url: string) => mysqlStore({ url, log: silent }).then((store) => store.close())

describe('MySQL: migrations and several processes', { skip: noServer, timeout: 120_000 }, () => {
  test('two processes open an empty database at once: each migration runs once', async () => {
    const url = await freshDatabase()
    const said = await Promise.all([process_(url), process_(url)].map((child) => Array.fromAsync(linesOf(child))))
    assert.deepEqual(said, [['open'], ['open']])
    assert.deepEqual(await query(url, 'SELECT number FROM schema_migrations'), STEPS)
    await opened(url)
  })

  test('two processes write to one series and one coverage: both are whole', async (t) => {
    const url = await freshDatabase()
    await opened(url)
    const said = await Promise.all(
      [0, 1].map(async () => {
        const child = process_(url, 'BTCUSDT', '20')
        const lines: string[] = []
        for await (const line of linesOf(child)) {
          if (line === 'open') child.stdin?.write('go\n')
          lines.push(line)
        }
        return lines
      }),
    )
    for (const lines of said) assert.deepEqual(lines, ['open', ...Array.from({ length: 20 }, (_, n) => String(n))])
    const store = await mysqlStore({ url, log: silent })
    t.after(() => store.close())
    assert.equal((await store.candles(candle(), {})).length, 1_000)
    assert.equal((await store.series())[0]?.count, 1_000)
    const known = await store.coverage(candle(), 'trades', { from: 0, to: 99 })
    assert.deepEqual(
      known.map(({ from, to }) => [from, to]),
      [[0, 20]],
    )
    assert.deepEqual(await query(url, 'SELECT COUNT(*) FROM historical_data'), [1_000])
    assert.deepEqual(await query(url, 'SELECT COUNT(*) FROM superseded_candles'), [0], 'nothing was changed')
  })

  test('a migration that broke off half-way runs again', async (t) => {
    const url = await freshDatabase()
    await opened(url)
    await query(url, 'DELETE FROM schema_migrations')
    await query(url, 'DROP TABLE ledger')
    await opened(url)
    assert.deepEqual(await query(url, 'SELECT COUNT(*) FROM ledger'), [0])
    assert.deepEqual(await query(url, 'SELECT number FROM schema_migrations'), STEPS)

    const folder = await folderOf(t)
    for (const number of STEPS) await writeFile(join(folder, nameOf(number)), 'this was done before and would fail')
    const next = STEPS.length + 1
    await writeFile(join(folder, nameOf(next)), 'CREATE TABLE IF NOT EXISTS later (a INT);\n-- more\nnonsense;\n')
    await assert.rejects(migrateFrom(url, folder), /nonsense/)
    await writeFile(join(folder, nameOf(next)), 'CREATE TABLE IF NOT EXISTS later (a INT);\n')
    await migrateFrom(url, folder)
    assert.deepEqual(await query(url, 'SELECT number FROM schema_migrations'), [...STEPS, next])
  })

  test('a database of a newer version, or of another program, is refused and left as it is', async () => {
    const newer = await freshDatabase()
    await opened(newer)
    await query(newer, 'INSERT INTO schema_migrations VALUES (999999, UTC_TIMESTAMP())')
    await assert.rejects(opened(newer), failsWith('STORE_DAMAGED'))
    await assert.rejects(opened(newer), /newer version .*schema 999999/)

    for (const table of ['trading_pairs', 'schema_migrations']) {
      const other = await freshDatabase()
      await query(other, `CREATE TABLE ${table} (version INT)`)
      await assert.rejects(opened(other), new RegExp(`another program has made ${table} there`))
      assert.deepEqual(await query(other, 'SHOW TABLES'), [table])
    }

    const laravel = await freshDatabase()
    for (const table of ['jobs', 'migrations', 'users']) await query(laravel, `CREATE TABLE ${table} (id INT)`)
    await opened(laravel)
  })
})

async function migrateFrom(url: string, folder: string): Promise<void> {
  const address = readAddress(url)
  const server = createServer(address, { connectMs: 5_000, statementMs: 5_000, readers: 1 })
  await migrate(server, address.name, folder).finally(() => server.close())
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-migrations-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

function linesOf(child: ChildProcess): AsyncIterable<string> {
  assert.ok(child.stdout)
  return createInterface({ input: child.stdout })
}
