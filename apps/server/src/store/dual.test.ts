import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { failure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { storeContract } from './contract.ts'
import { message, messageStoreContract } from './contractOfMessages.ts'
import { dualStore } from './dual.ts'
import { embeddedStore } from './embedded/index.ts'
import { candle, failsWith, job, T0, trade } from './samples.ts'
import type { MarketStore, ServerStore } from './store.ts'

const folders: string[] = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function pair(now: () => number = Date.now): Promise<[ServerStore, ServerStore]> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-dual-'))
  folders.push(folder)
  const open = (name: string) => embeddedStore({ path: join(folder, name), now, log: silent })
  return [await open('one.db'), await open('two.db')]
}

storeContract('dual', async (now) => dualStore(...(await pair(now))), 0.25)
messageStoreContract('dual', async () => dualStore(...(await pair())))

test('both hold what was written', async () => {
  const [one, two] = await pair()
  const store = dualStore(one, two)
  const covered = {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    series: 'trades',
    from: 0,
    to: 5,
    state: 'complete',
  } as const
  await store.putCandles([candle()])
  await store.putTrades([trade()])
  await store.cover([covered])
  await store.putJob(job())
  await store.putMessages([message()])
  for (const each of [one, two]) {
    assert.deepEqual(await each.candles(candle(), {}), [candle()])
    assert.deepEqual(await each.lastTrade(trade()), trade())
    assert.deepEqual(await each.coverage(covered, 'trades', covered), [covered])
    assert.deepEqual(await each.job('job-1'), job())
    assert.deepEqual(await each.messages({ topic: 'signals' }), [message()])
  }
  await store.close()
})

test('one that fails fails the write, whichever it is, and the write can be made again', async () => {
  for (const failing of [0, 1]) {
    const stores = await pair(() => T0)
    const broken = stores[failing]!
    let times = 1
    const moody: ServerStore = {
      ...broken,
      putCandles: (list) =>
        times-- > 0 ? Promise.reject(failure('STORE_UNAVAILABLE', { reason: 'it is away' })) : broken.putCandles(list),
    }
    const store = failing === 0 ? dualStore(moody, stores[1]) : dualStore(stores[0], moody)
    await assert.rejects(store.putCandles([candle()]), failsWith('STORE_UNAVAILABLE'))
    await store.putCandles([candle()])
    for (const each of stores)
      assert.deepEqual(await each.revisions(candle(), T0), [{ candle: candle(), knownAt: T0 }], 'once in each')
    await store.close()
  }
})

test('what exchanges say of their markets goes to those that keep it', async () => {
  const [one, two] = await pair()
  const put: unknown[] = []
  const keeping: ServerStore & MarketStore = { ...two, putMarkets: async (markets) => void put.push(markets) }
  assert.equal(dualStore(one, two).putMarkets, undefined, 'neither does')
  await dualStore(one, keeping).putMarkets?.([])
  await dualStore(keeping, one).putMarkets?.([])
  assert.deepEqual(put, [[], []])
  await dualStore(one, two).close()
})
