import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { freshStore } from '../../test/roles.ts'
import { aTrade } from '../../test/trades.ts'
import { DAY, HOUR, MINUTE } from '../domain/timeframe.ts'
import { silent } from '../lib/log.ts'
import type { Store } from '../store/store.ts'
import { createLedger } from './ledger.ts'

const DAY0 = Date.UTC(2024, 7, 8)
const market = { exchange: 'binance', symbol: 'BTCUSDT' }
const never = new AbortController().signal
const at = (id: number, time: number) => aTrade({ id, time: DAY0 + time })

async function open(t: TestContext) {
  const store = await freshStore(t)
  const ledger = createLedger(store, silent)
  const put = async (...trades: ReturnType<typeof at>[]) => {
    ledger.touch(market, trades)
    await store.putTrades(trades)
  }
  return { store, ledger, put }
}

const counts = async (store: Store) =>
  (await store.ledger(market, { from: 0, to: DAY0 * 2 })).map(({ day, trades, pruned }) => [
    (day - DAY0) / DAY,
    trades,
    pruned,
  ])

test('each finished day gets a row, neither the running one nor one without trades', async (t) => {
  const { store, ledger, put } = await open(t)
  await put(at(1, HOUR), at(2, 2 * HOUR), at(3, 2 * DAY + HOUR), at(4, 3 * DAY))
  await ledger.writeFinished(DAY0 + 3 * DAY + MINUTE - 1, never)
  assert.deepEqual(await counts(store), [[0, 2, false]])
  await ledger.writeFinished(DAY0 + 3 * DAY + MINUTE, never)
  assert.deepEqual(await counts(store), [
    [0, 2, false],
    [2, 1, false],
  ])
})

test('a trade that comes late is in the row; a second process goes on where the first stopped', async (t) => {
  const { store, ledger, put } = await open(t)
  await put(at(1, HOUR), at(3, 3 * HOUR))
  await ledger.writeFinished(DAY0 + 1.5 * DAY, never)
  await put(at(2, 2 * HOUR))
  await ledger.writeFinished(DAY0 + 1.5 * DAY, never)
  assert.deepEqual(await counts(store), [[0, 3, false]])
  await store.putTrades([at(4, DAY)])
  await createLedger(store, silent).writeFinished(DAY0 + 2.5 * DAY, never)
  assert.deepEqual(await counts(store), [
    [0, 3, false],
    [1, 1, false],
  ])
})

test('a row whose trades are deleted stays, unless as many come again', async (t) => {
  const { store, ledger, put } = await open(t)
  const all = [at(1, HOUR), at(2, 2 * HOUR), at(3, 3 * HOUR)]
  await put(...all)
  await ledger.seal(DAY0 + 2.5 * HOUR, DAY0 + 2 * DAY)
  const before = await store.ledger(market, { from: DAY0, to: DAY0 + DAY })
  assert.deepEqual(await counts(store), [[0, 3, true]])
  await store.pruneTrades(DAY0 + 2.5 * HOUR)
  await ledger.writeFinished(DAY0 + 2 * DAY, never)
  await put(at(4, 4 * HOUR))
  await ledger.writeFinished(DAY0 + 2 * DAY, never)
  assert.deepEqual(await store.ledger(market, { from: DAY0, to: DAY0 + DAY }), before)
  await put(...all)
  await ledger.writeFinished(DAY0 + 2 * DAY, never)
  assert.deepEqual(await counts(store), [[0, 4, false]])
})
