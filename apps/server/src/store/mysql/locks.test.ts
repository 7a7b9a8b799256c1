import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { silent } from '../../lib/log.ts'
import { candle, failsWith, MINUTE, T0, trade } from '../samples.ts'
import { mysqlStore } from './index.ts'
import { connect, freshDatabase, noServer } from './testDatabase.ts'

/** A store with two markets, and another program that changes the same rows. */
async function withAnother(t: TestContext, statementMs?: number) {
  const url = await freshDatabase()
  const store = await mysqlStore({ url, log: silent, ...(statementMs && { statementMs }) })
  t.after(() => store.close())
  const markets = ['BTCUSDT', 'ETHUSDT']
  await store.putCandles(markets.map((symbol) => candle({ symbol })))
  const other = await connect(url)
  t.after(() => other.end())
  const change = (symbol: string) =>
    other.query('UPDATE trading_pairs SET price_decimals = 1 WHERE symbol = ?', [symbol])
  const next = markets.map((symbol) => candle({ symbol, time: T0 + MINUTE }))
  return { store, other, change, next }
}

describe('MySQL that others write to', { skip: noServer, timeout: 120_000 }, () => {
  test('another program that does not let go is named, reading goes on, and the next write works', async (t) => {
    const { store, other, change, next } = await withAnother(t, 3_000)
    await other.query('START TRANSACTION')
    await change('BTCUSDT')
    await assert.rejects(store.putCandles(next), failsWith('STORE_UNAVAILABLE'))
    await assert.rejects(store.putCandles(next), /does not let go|no answer/)
    assert.deepEqual(await store.candles(candle(), {}), [candle()])
    await assert.rejects(store.ping(), failsWith('STORE_UNAVAILABLE'), 'the newest write was not kept')
    await other.query('ROLLBACK')
    await store.putCandles(next)
    await store.ping()
    assert.equal((await store.candles(candle(), {})).length, 2)
  })

  test('a deadlock costs another try, not the write', async (t) => {
    const { store, other, change, next } = await withAnother(t)
    await other.query('START TRANSACTION')
    await change('ETHUSDT')
    const write = store.putCandles(next)
    // It has locked the first market and waits for the second.
    const waits = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT id FROM trading_pairs%UPDATE'"
    for (let seen: unknown = []; Array.isArray(seen) && seen.length === 0; ) [seen] = await other.query(waits)
    // The server gives up the one that has changed less: ours.
    await change('BTCUSDT')
    await other.query('COMMIT')
    await write
    for (const one of next) assert.equal((await store.candles(one, {})).length, 2)
  })

  test('a write that can’t be stored does not take others with it', async (t) => {
    const { store, next } = await withAnother(t)
    const wrong = store.putTrades([trade({ id: 'x'.repeat(300) })])
    const [trades, candles] = await Promise.allSettled([wrong, store.putCandles(next)])
    assert.ok(trades.status === 'rejected' && failsWith('INVALID_PARAMETER')(trades.reason))
    assert.equal(candles.status, 'fulfilled')
    assert.equal((await store.candles(candle(), {})).length, 2)
    await assert.rejects(store.putTrades([trade({ symbol: 'BTCUSDT ' })]), failsWith('INVALID_PARAMETER'))
    await store.ping()
  })

  test('writes nobody waits for are refused before they pile up without bound', async (t) => {
    const { store } = await withAnother(t)
    const writes = Array.from({ length: 10_500 }, () => store.putCandles([candle()]))
    const refused = (await Promise.allSettled(writes)).filter((write) => write.status === 'rejected')
    assert.equal(refused.length, 500)
    for (const { reason } of refused) assert.ok(failsWith('STORE_UNAVAILABLE')(reason))
  })
})
