import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSimulator } from '@candlewire/simulator'
import { get, openExchange, startPlatform, temporary } from './platform.ts'
import { until } from './until.ts'

test('a server that starts before its exchange answers, says so, and collects once the exchange is there', async (t) => {
  const early = await createSimulator({ symbols: ['BTCUSDT'] })
  const port = Number(new URL(early.restUrl).port)
  await early.close()

  const { url } = await startPlatform(t, early, await temporary(t), { SYMBOLS: 'BTCUSDT' })
  const { status, checks } = await get(`${url}/health`)
  assert.equal(status, 'degraded')
  assert.equal(Object(checks).binance.status, 'error')
  assert.deepEqual(Object((await get(`${url}/api/v1/crypto/BTCUSDT/data`)).data).data, [])

  await openExchange(t, { symbols: ['BTCUSDT'], port })
  await until('health', async () => (await get(`${url}/health`)).status === 'ok')
  await until('a price', async () => (await fetch(`${url}/api/v1/crypto/BTCUSDT/latest`)).ok)
})
