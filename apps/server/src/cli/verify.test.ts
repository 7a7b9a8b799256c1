import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { aTrade } from '../../test/trades.ts'
import { foldTrades, rollUp } from '../domain/fold.ts'
import { DAY, HOUR, MINUTE, timeframe } from '../domain/timeframe.ts'
import { silent } from '../lib/log.ts'
import { writeLedgerDay } from '../record/ledger.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import { run, temporary } from './testSupport.ts'

const T0 = Date.UTC(2024, 7, 8)
const market = { exchange: 'binance', symbol: 'BTCUSDT' }

/** Two days of trades, every 20 minutes one, with their candles and rows, and a hole of ids that coverage admits. */
async function filled(t: TestContext) {
  const data = temporary(t)
  const path = join(data, 'candlewire.db')
  const store = await embeddedStore({ path, log: silent })
  const trades = Array.from({ length: 144 }, (_, n) =>
    aTrade({ id: n < 30 ? n : n + 5, price: 1 + (n % 7), time: T0 + n * 20 * MINUTE }),
  )
  const hole = { from: trades[29]!.time + MINUTE, to: trades[30]!.time }
  await store.putTrades(trades)
  const parts = [
    { from: T0, to: hole.from, state: 'complete' },
    { ...hole, state: 'unknown' },
    { from: hole.to, to: T0 + 2 * DAY, state: 'complete' },
  ] as const
  await store.cover(parts.map((part) => ({ ...market, series: 'trades', ...part })))
  const minutes = foldTrades(trades, timeframe('1m'))
  await store.putCandles([...foldTrades(trades, timeframe('1s')), ...minutes, ...rollUp(minutes, timeframe('1h'))])
  for (const day of [T0, T0 + DAY]) await writeLedgerDay(store, market, day, T0 + 2 * DAY)
  await store.close()
  return {
    damage(...statements: string[]) {
      const db = new DatabaseSync(path)
      for (const statement of statements) assert.equal(db.prepare(statement).run().changes, 1, statement)
      db.close()
    },
    async verify(...more: string[]) {
      const on = ['verify', '--exchange', 'binance', '--symbol', 'BTCUSDT', '--json']
      const { code, stdout, stderr } = await run([...on, ...more], { data })
      return { code, stderr, days: stdout ? JSON.parse(stdout).days : [] }
    },
  }
}

test('what is as it was stored is proven', async (t) => {
  const { verify } = await filled(t)
  const { code, days } = await verify()
  assert.equal(code, 0)
  const found = days.map(({ day, state, trades, candles, faults }: Record<string, unknown>) => [
    day,
    state,
    trades,
    candles,
    faults,
  ])
  // An hour and no smaller candle holds the hole.
  assert.deepEqual(found, [
    ['2024-08-08', 'proven', 72, 72 + 72 + 23, []],
    ['2024-08-09', 'proven', 72, 72 + 72 + 24, []],
  ])
  assert.equal((await verify('--day', '2024-08-09')).days.length, 1)
  assert.equal((await verify('--from', '2024-08-09', '--to', '2024-08-10')).days.length, 1)
  const none = await verify('--day', '2024-08-07')
  assert.equal(none.code, 1)
  assert.match(none.stderr, /Neither trades nor ledger rows/)
})

test('a trade that is lost or changed is found, in its day, its ids and its candles', async (t) => {
  const lost = await filled(t)
  lost.damage('DELETE FROM trades WHERE id = 100')
  const { code, days } = await lost.verify()
  assert.equal(code, 1)
  assert.deepEqual(
    days.map(({ state }: { state: string }) => state),
    ['proven', 'different'],
  )
  const whats: string[] = days[1].faults.map(({ what }: { what: string }) => what)
  for (const what of ['trades', 'rows', 'hash', 'ids missing', 'candle 1s', 'candle 1m', 'candle 1h volume'])
    assert.ok(whats.includes(what), what)

  const changed = await filled(t)
  changed.damage('UPDATE trades SET price = 1.5 WHERE id = 100')
  const second = await changed.verify('--day', '2024-08-09')
  assert.equal(second.code, 1)
  assert.deepEqual(second.days[0].faults[0].what, 'hash')
})

test('a candle that is not the fold of its trades is found', async (t) => {
  const { damage, verify } = await filled(t)
  damage(`UPDATE candles SET close = close + 1 WHERE id % 8589934592 = ${(T0 + HOUR) / 1000} AND volume > 2`)
  const { code, days } = await verify()
  assert.equal(code, 1)
  assert.deepEqual(
    days[0].faults.map(({ what, where }: Record<string, string>) => [what, where]),
    [['candle 1h close', '2024-08-08T01:00:00Z']],
  )
})

test('of pruned days the row is left, and that is no fault', async (t) => {
  const { damage, verify } = await filled(t)
  damage('UPDATE ledger SET pruned = 1 WHERE day = 19943', 'DELETE FROM trades WHERE id = 3')
  const { code, days } = await verify()
  assert.equal(code, 0)
  assert.deepEqual([days[0].state, days[0].trades, days[0].faults], ['pruned', 71, []])
})
