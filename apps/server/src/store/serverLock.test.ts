import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Client } from 'pg'
import { silent } from '../lib/log.ts'
import { mysqlLock } from './mysql/lock.ts'
import { connect, freshDatabase, noServer } from './mysql/testDatabase.ts'
import { postgresLock } from './postgres/lock.ts'
import { createDatabases, missingServer } from './postgres/testServer.ts'
import { failsWith } from './samples.ts'
import { type LockTaker, lockServer } from './serverLock.ts'

const postgres = createDatabases()
after(postgres.drop)
const { signal } = new AbortController()
const CHECK_MS = 50

/** The session that holds the lock, as another program sees it, and a way to end it. */
interface Beside {
  holder(): Promise<number | undefined>
  cut(session: number): Promise<void>
}

function besidePostgres(url: string): Beside {
  const query = async (sql: string): Promise<unknown> => {
    const client = new Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    await client.end()
    return rows[0]?.[0]
  }
  return {
    async holder() {
      const pid = await query(`SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE locktype = 'advisory' AND granted AND d.datname = current_database()`)
      return typeof pid === 'number' ? pid : undefined
    },
    async cut(session) {
      await query(`SELECT pg_terminate_backend(${session})`)
    },
  }
}

function besideMysql(url: string): Beside {
  const query = async (sql: string): Promise<unknown> => {
    const connection = await connect(url)
    const [rows] = await connection.query({ sql, rowsAsArray: true })
    await connection.end()
    return Array.isArray(rows) && Array.isArray(rows[0]) ? rows[0][0] : undefined
  }
  return {
    async holder() {
      const id = await query("SELECT IS_USED_LOCK(CONCAT('candlewire server ', SHA1(DATABASE())))")
      return typeof id === 'number' ? id : undefined
    },
    async cut(session) {
      await query(`KILL ${session}`)
    },
  }
}

interface Kind {
  readonly name: string
  readonly skip: string | false
  readonly fresh: () => Promise<string>
  readonly taker: (url: string) => LockTaker
  readonly beside: (url: string) => Beside
}
const kinds: readonly Kind[] = [
  {
    name: 'PostgreSQL',
    skip: await missingServer(),
    fresh: postgres.fresh,
    taker: postgresLock,
    beside: besidePostgres,
  },
  { name: 'MySQL', skip: noServer, fresh: freshDatabase, taker: mysqlLock, beside: besideMysql },
]

for (const { name, skip, fresh, taker, beside } of kinds) {
  const lock = (url: string) => lockServer(taker(url), silent, signal, CHECK_MS)

  test(`${name}: a second server is refused with a sentence, another database is free`, { skip }, async () => {
    const [one, two] = [await fresh(), await fresh()]
    const first = await lock(one)
    await assert.rejects(lock(one), failsWith('STORE_UNAVAILABLE'))
    await assert.rejects(lock(one), (error: Error) => {
      assert.match(error.message, /another server uses .*candlewire_test_.*stop it first/)
      assert.ok(!error.message.includes('candlewire:'), 'no password')
      return true
    })
    await (await lock(two)).release()
    await first.release()
    await (await lock(one)).release()
  })

  test(`${name}: a lock that was lost is taken again`, { skip }, async () => {
    const url = await fresh()
    const first = await lock(url)
    const stop = new AbortController()
    const running = first.run(stop.signal)
    const { holder, cut } = beside(url)
    const before = await holder()
    assert.ok(before !== undefined)
    await cut(before)
    for (let now: number | undefined = before; now === undefined || now === before; ) now = await holder()
    stop.abort()
    await running
    await first.release()
    await (await lock(url)).release()
  })

  test(`${name}: a server ends when another one was faster`, { skip }, async () => {
    const url = await fresh()
    const first = await lock(url)
    const { holder, cut } = beside(url)
    await cut((await holder()) ?? 0)
    while ((await holder()) !== undefined);
    const second = await lock(url)
    await assert.rejects(first.run(signal), /another server uses/)
    await first.release()
    await assert.rejects(lock(url), failsWith('STORE_UNAVAILABLE'), 'the second one still has it')
    await second.release()
  })
}

test('a database that is away is waited for, until nobody wants it any more', async () => {
  const stop = new AbortController()
  const waiting = lockServer(postgresLock('postgres://nobody@127.0.0.1:1/nothing'), silent, stop.signal)
  stop.abort()
  await assert.rejects(waiting, failsWith('STORE_UNAVAILABLE'))
  const mysql = lockServer(mysqlLock('mysql://nobody@127.0.0.1:1/nothing'), silent, stop.signal)
  await assert.rejects(mysql, failsWith('STORE_UNAVAILABLE'))
})
