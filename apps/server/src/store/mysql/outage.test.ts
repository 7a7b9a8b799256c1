import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isFailure } from '../../lib/failure.ts'
import { silent } from '../../lib/log.ts'
import { candle, failsWith, MINUTE, T0, trade } from '../samples.ts'
import type { Store } from '../store.ts'
import { mysqlStore } from './index.ts'
import { noProgram, type TestServer, testServer } from './testServer.ts'

const LIST = 100
const list = (number: number) =>
  Array.from({ length: LIST }, (_, n) => candle({ time: T0 + (number * LIST + n) * MINUTE, trades: number }))

/** Writes lists until one is refused; returns the numbers of those that were acknowledged. */
async function writeUntilRefused(store: Store, from: number, written: (number: number) => void): Promise<number[]> {
  const acknowledged: number[] = []
  for (let number = from; ; number++) {
    try {
      await store.putCandles(list(number))
      acknowledged.push(number)
      written(number)
    } catch (error) {
      assert.ok(isFailure(error) && error.retry, String(error))
      return acknowledged
    }
  }
}

/** A machine that has more to do than this test may need several tries. */
async function untilTaken(write: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await write()
    } catch (error) {
      assert.ok(isFailure(error) && error.retry, String(error))
    }
  }
}

describe('MySQL that goes away', { skip: noProgram, timeout: 120_000 }, () => {
  let server: TestServer
  before(async () => {
    server = await testServer()
  })
  after(() => server.stop())

  test('kill -9 of the server amid writes: nothing acknowledged is lost, no list is there in part', async (t) => {
    const store = await mysqlStore({ url: server.url, log: silent })
    t.after(() => store.close())
    const acknowledged: number[] = []
    for (const round of [0, 1]) {
      let killed: Promise<void> | undefined
      const some = await writeUntilRefused(store, round * 1_000, (number) => {
        if (number === round * 1_000 + 15) killed = server.signal('SIGKILL')
      })
      acknowledged.push(...some)
      await killed
      await assert.rejects(store.candles(candle(), {}), failsWith('STORE_UNAVAILABLE'))
      await assert.rejects(store.putTrades([trade()]), failsWith('STORE_UNAVAILABLE'))
      await server.start()
      const rows = await store.candles(candle(), {})
      const sizes = Map.groupBy(rows, ({ trades }) => trades)
      for (const number of acknowledged) assert.equal(sizes.get(number)?.length, LIST, `list ${number} is there`)
      for (const [number, { length }] of sizes) assert.equal(length, LIST, `list ${number} is whole`)
      assert.equal((await store.series())[0]?.count, rows.length, 'the count agrees with the rows')
    }
    assert.ok(acknowledged.length >= 32)
    await store.putTrades([trade()])
    assert.deepEqual(await store.lastTrade(trade()), trade(), 'it works on')
  })

  test('a server that hangs fails each call in time, and is used again when it wakes', async (t) => {
    const store = await mysqlStore({ url: server.url, log: silent, statementMs: 1_500, connectMs: 1_500 })
    t.after(() => store.close())
    await store.putCandles(list(0))
    const idle = await mysqlStore({ url: server.url, log: silent })
    await server.signal('SIGSTOP')
    await idle.close()
    const calls = [store.putCandles(list(1)), store.ping(), store.candles(candle(), {}), store.series()]
    await Promise.all(calls.map((call) => assert.rejects(call, failsWith('STORE_UNAVAILABLE'))))
    await assert.rejects(store.putTrades([trade()]), failsWith('STORE_UNAVAILABLE'))
    await server.signal('SIGCONT')
    await untilTaken(() => store.putCandles(list(2)))
    const times = new Set((await store.candles(candle(), {})).map(({ trades }) => trades))
    assert.ok(times.has(0) && times.has(2))
  })

  test('no server, a wrong password, a wrong database: the first call says which', async () => {
    const reason = async (change: (url: URL) => void) => {
      const url = new URL(server.url)
      change(url)
      const error = await mysqlStore({ url: url.href, log: silent }).then(
        () => assert.fail('it should have failed'),
        (thrown: unknown) => thrown,
      )
      assert.ok(isFailure(error) && error.code === 'STORE_UNAVAILABLE', String(error))
      assert.ok(!error.message.includes('s3cret'))
      return error.message
    }
    assert.match(await reason((url) => (url.password = 's3cret')), /refuses the user or the password/)
    assert.match(await reason((url) => (url.pathname = '/elsewhere')), /may not use the database|no such database/)
    await server.signal('SIGKILL')
    assert.match(await reason(() => {}), /ECONNREFUSED/)
  })
})
