import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { get, openExchange, startPlatform, temporary } from './platform.ts'
import { until } from './until.ts'

test('a market whose data can not be trusted is named by /health, and its frames are kept', async (t) => {
  const simulator = await openExchange(t)
  const data = await temporary(t)
  const { url, stop } = await startPlatform(t, simulator, data)
  await until('frames', async () => Object((await get(`${url}/health`)).stats).messages_received > 100)
  simulator.faults.malformed({ count: 9, symbols: ['ETHUSDT'] })
  const message = await until('the market is named', async () => {
    const { checks } = await get(`${url}/health`)
    return Object(Object(checks).data).message
  })
  assert.match(message, /^set aside: ETHUSDT \(malformed × \d+\)$/)
  assert.equal((await get(`${url}/health`)).status, 'degraded')
  const metrics = await fetch(`${url}/metrics`).then((response) => response.text())
  assert.match(metrics, /candlewire_drift_total\{exchange="binance",symbol="ETHUSDT",kind="malformed"\} \d/)
  await stop()
  const [line] = (await readFile(join(data, 'quarantine/binance.jsonl'), 'utf8')).split('\n')
  assert.deepEqual(Object.keys(JSON.parse(line!)).slice(0, 2), ['exchange', 'kind'])
})
