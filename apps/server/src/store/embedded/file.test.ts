import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { type Failure, type FailureCode, isFailure } from '../../lib/failure.ts'
import { silent } from '../../lib/log.ts'
import { candle, T0, trade } from '../samples.ts'
import type { Store } from '../store.ts'
import { embeddedStore } from './index.ts'
import { migrate } from './migrate.ts'
import { failureOf, troubleOf } from './trouble.ts'

const MINUTE = 60_000
const PROCESS = join(import.meta.dirname, 'test-process.ts')

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-file-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}
const openStore = (path: string, busyMs?: number): Promise<Store> =>
  embeddedStore({ path, log: silent, ...(busyMs && { busyMs }) })

async function withStore<R>(path: string, use: (store: Store) => Promise<R>): Promise<R> {
  const store = await openStore(path)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

async function failureIn(work: () => Promise<unknown>, code: FailureCode): Promise<Failure> {
  const error = await work().then(
    () => assert.fail('it should have failed'),
    (reason: unknown) => reason,
  )
  assert.ok(isFailure(error), String(error))
  assert.equal(error.code, code, error.message)
  return error
}

test('what was written is there after closing and opening again, waiting writes included', async (t) => {
  const path = join(await folderOf(t), 'deep', 'er', 'candlewire.db')
  const store = await openStore(path)
  const writes = [0, 1, 2].map((n) => store.putCandles([candle({ time: n * MINUTE })]))
  await store.close()
  await Promise.all(writes)
  assert.equal((await withStore(path, (again) => again.candles(candle(), {}))).length, 3)
})

test('kill -9: nothing acknowledged is lost, no list is there in part', { timeout: 60_000 }, async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  for (const symbol of ['ONE', 'TWO']) {
    const child = spawn(process.execPath, [PROCESS, path, symbol], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    let acknowledged = -1
    for await (const line of linesOf(child)) {
      if (line !== 'open') acknowledged = Number(line)
      if (acknowledged === 40) child.kill('SIGKILL')
    }
    await exit
    const rows = await withStore(path, (store) => store.candles(candle({ symbol }), {}))
    const sizes = new Map<number, number>()
    for (const { trades } of rows) sizes.set(trades, (sizes.get(trades) ?? 0) + 1)
    for (let list = 0; list <= acknowledged; list++) assert.equal(sizes.get(list), 100, `list ${list} was acknowledged`)
    for (const [list, size] of sizes) assert.equal(size, 100, `list ${list} is whole`)
    const known = await withStore(path, (store) => store.series())
    assert.equal(known.find((series) => series.symbol === symbol)?.count, rows.length, 'the count agrees with the rows')
  }
})

test('two processes write to one file at once, and a third opens it', { timeout: 60_000 }, async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  const children = ['ONE', 'TWO'].map((symbol) =>
    spawn(process.execPath, [PROCESS, path, symbol, '30'], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  const said = await Promise.all(children.map((child) => Array.fromAsync(linesOf(child))))
  for (const lines of said) assert.deepEqual(lines, ['open', ...Array.from({ length: 30 }, (_, n) => String(n))])
  const series = await withStore(path, (store) => store.series())
  assert.deepEqual(
    series.map(({ symbol, count }) => [symbol, count]),
    [
      ['ONE', 3000],
      ['TWO', 3000],
    ],
  )
})

test('writers of one series see each other, and its count stays true', async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  const stores = await Promise.all([1, 2, 3].map(() => openStore(path)))
  for (let round = 0; round < 12; round++) {
    const times = [round, round + 1, 20 - round]
    await stores[round % 3]!.putCandles(times.map((n) => candle({ time: n * MINUTE, trades: round })))
    const [series] = await stores[(round + 1) % 3]!.series()
    assert.equal(series?.count, (await stores[(round + 2) % 3]!.candles(candle(), {})).length)
  }
  await Promise.all(stores.map((store) => store.close()))
})

test('another process that does not let go is named, and the next write works', async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  const store = await openStore(path, 20)
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const { message } = await failureIn(() => store.putCandles([candle()]), 'STORE_UNAVAILABLE')
  assert.match(message, /another process/)
  assert.deepEqual(await store.candles(candle(), {}), [], 'reading goes on')
  const told = await failureIn(() => store.ping(), 'STORE_UNAVAILABLE')
  assert.match(told.message, /another process/, 'who asks how the store fares is told, too')
  other.exec('ROLLBACK')
  other.close()
  await store.putCandles([candle()])
  assert.deepEqual(await store.candles(candle(), {}), [candle()])
  await store.ping()
  await store.close()
})

test('a full disk fails the write with a sentence; reading goes on', { timeout: 60_000 }, async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  // A limit on the size of a file stands in for the full disk.
  const limited = `trap '' XFSZ; ulimit -f 3000; exec "$0" "$@"`
  const child = spawn('sh', ['-c', limited, process.execPath, PROCESS, path, 'ONE'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said = await Array.fromAsync(linesOf(child))
  assert.equal(said.at(-2), 'STORE_UNAVAILABLE')
  const lists = said.length - 3
  assert.equal(said.at(-1), String(lists * 100), 'all that was acknowledged')
  assert.equal((await withStore(path, (store) => store.series()))[0]?.count, lists * 100)
})

test('a file that is no database is refused, named and left as it is', async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  const text = 'This is a shopping list, not a database.\n'.repeat(200)
  await writeFile(path, text)
  const { message } = await failureIn(() => openStore(path), 'STORE_DAMAGED')
  assert.match(message, /not a database.*Move it .*aside/)
  assert.ok(message.includes(path))
  assert.equal(await readFile(path, 'utf8'), text)
})

test('a damaged beginning or content is refused with the way out', async (t) => {
  const folder = await folderOf(t)
  for (const [name, from] of [
    ['header', 0],
    ['pages', 4096],
  ] as const) {
    const path = join(folder, `${name}.db`)
    await withStore(path, (store) => store.putCandles([candle()]))
    const file = await open(path, 'r+')
    const { size } = await file.stat()
    await file.write(Buffer.alloc(name === 'header' ? 100 : size - from, 0x5a), 0, null, from)
    await file.close()
    const { message } = await failureIn(() => openStore(path), 'STORE_DAMAGED')
    assert.match(message, /Move it .*aside/)
  }
})

test('a file of another program is refused', async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  const other = new DatabaseSync(path)
  other.exec('CREATE TABLE recipes (name TEXT)')
  other.close()
  assert.match((await failureIn(() => openStore(path), 'STORE_DAMAGED')).message, /another program/)
})

test('a file of a newer version is refused', async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  await withStore(path, (store) => store.putTrades([trade()]))
  const newer = new DatabaseSync(path)
  newer.exec('INSERT INTO migrations (number, applied_at) VALUES (999999, 0)')
  newer.close()
  const { message } = await failureIn(() => openStore(path), 'STORE_DAMAGED')
  assert.match(message, /newer version .*schema 999999/)
})

test('a place where no file can be made is unavailable', async (t) => {
  const folder = await folderOf(t)
  await writeFile(join(folder, 'file'), '')
  await failureIn(() => openStore(join(folder, 'file', 'candlewire.db')), 'STORE_UNAVAILABLE')
  await failureIn(() => openStore(folder), 'STORE_UNAVAILABLE')
})

test('each migration runs once, however many come at the same moment', async (t) => {
  const folder = await folderOf(t)
  const path = join(folder, 'candlewire.db')
  const stores = await Promise.all([1, 2, 3, 4].map(() => openStore(path)))
  await Promise.all(stores.map((store) => store.close()))
  const db = new DatabaseSync(path)
  const applied = () =>
    db
      .prepare('SELECT number FROM migrations ORDER BY number')
      .all()
      .map((row) => Number(row.number))
  const before = applied()
  const file = (number: number) => join(folder, `${String(number).padStart(6, '0')}.sql`)
  for (const number of before) await writeFile(file(number), 'this was done before and would fail')
  const [next, last] = [before.length + 1, before.length + 2]
  await writeFile(file(next), 'CREATE TABLE later (a INTEGER) STRICT')
  await writeFile(file(last), 'CREATE TABLE half (a INTEGER) STRICT; CREATE TABLE later (b INTEGER)')
  assert.throws(() => migrate(db, folder), /later already exists/)
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE name IN ('later', 'half')").all()
  assert.deepEqual(
    tables.map((row) => row.name),
    ['later'],
    'the one that failed left nothing behind',
  )
  await writeFile(file(last), 'CREATE TABLE half (a INTEGER) STRICT')
  migrate(db, folder)
  migrate(db, folder)
  assert.deepEqual(applied(), [...before, next, last])
  db.close()
})

test('a file of the first version is brought up to date with its candles, known since ever', async (t) => {
  const folder = await folderOf(t)
  const [path, first] = [join(folder, 'candlewire.db'), '000001.sql']
  await copyFile(join(import.meta.dirname, 'migrations', first), join(folder, first))
  const db = new DatabaseSync(path)
  migrate(db, folder)
  db.exec(`INSERT INTO markets VALUES (1, 'binance', 'BTCUSDT');
    INSERT INTO series VALUES (1, 1, '1m', ${T0 / 1000}, ${T0 / 1000}, 1);
    INSERT INTO candles VALUES (${2 ** 33 + T0 / 1000}, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0)`)
  db.close()
  await withStore(path, async (store) => {
    await store.putCandles([candle({ revision: 1 })])
    const [old, now, ...more] = await store.revisions(candle(), T0)
    assert.deepEqual([old?.knownAt, old?.candle.close, now?.candle, more], [0, 1, candle({ revision: 1 }), []])
    assert.deepEqual(await store.candles(candle(), { asOf: 5 }), [old?.candle])
  })
})

test('a write that can’t be stored does not take others with it', async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  await withStore(path, async (store) => {
    const when = { from: 0, to: 1, cursor: 0, createdAt: 0.5, updatedAt: 0 }
    const counts = { requestsPlanned: 0, requestsDone: 0, candlesWritten: 0, errors: [] }
    const { exchange, symbol, timeframe } = candle()
    const wrong = store.putJob({ id: 'x', exchange, symbol, timeframe, state: 'queued', ...when, ...counts })
    const [job, candles] = await Promise.allSettled([wrong, store.putCandles([candle()])])
    assert.equal(job.status, 'rejected')
    assert.equal(candles.status, 'fulfilled')
    assert.deepEqual(await store.candles(candle(), {}), [candle()])
  })
})

test('writes nobody waits for are refused before they pile up without bound', async (t) => {
  const path = join(await folderOf(t), 'candlewire.db')
  await withStore(path, async (store) => {
    const writes = Array.from({ length: 10_500 }, () => store.putCandles([candle()]))
    const refused = (await Promise.allSettled(writes)).filter((write) => write.status === 'rejected')
    assert.equal(refused.length, 500)
    for (const { reason } of refused) assert.ok(isFailure(reason) && reason.retry)
  })
})

test('SQLite’s result codes become failures of ours', () => {
  const of = (errcode: number) => failureOf(troubleOf(Object.assign(new Error('x'), { errcode })), '/data/a.db')
  const code = (errcode: number) => {
    const error = of(errcode)
    return isFailure(error) ? error.code : 'other'
  }
  assert.equal(code(13), 'STORE_UNAVAILABLE')
  assert.match(of(13).message, /disk is full/)
  assert.equal(code(10 | (3 << 8)), 'STORE_UNAVAILABLE', 'extended codes keep the primary one in the low byte')
  assert.equal(code(11), 'STORE_DAMAGED')
  assert.equal(code(1), 'other', 'a fault of ours is not called the disk’s')
})

function linesOf(child: ChildProcess): AsyncIterable<string> {
  assert.ok(child.stdout)
  return createInterface({ input: child.stdout })
}
