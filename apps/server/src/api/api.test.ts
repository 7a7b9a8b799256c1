import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { apiDeps, candle, startApi, T0 } from '../../test/apiFixture.ts'
import { serveApi } from './api.ts'

test('what comes by the bus is seen by REST, and the end is clean', async (t) => {
  const api = await startApi(t)
  const price = async () => (await (await fetch(`${api.url}/api/v1/crypto/BTCUSDT/latest`)).json()).data?.price
  await api.bus.publish('tickers', [
    {
      type: 'ticker',
      exchange: 'binance',
      symbol: 'BTCUSDT',
      last: 45000.5,
      open: 1,
      high: 1,
      low: 1,
      volume: 1,
      quoteVolume: 1,
      time: T0,
      received: T0,
    },
  ])
  assert.equal(await price(), 45000.5)
  await api.bus.publish('candles', [candle(T0)])
  const day = `${api.url}/api/v1/crypto/BTCUSDT/data?start=${T0}&end=${T0}`
  const { data } = await (await fetch(day)).json()
  assert.equal(data.data.length, 1, 'a closed candle is shown before the store has it')
  api.stop.abort()
  await api.done
  await assert.rejects(fetch(`${api.url}/health`))
})

test('a port that is taken is said so', async (t) => {
  const api = await startApi(t)
  const deps = await apiDeps(t, { options: { port: Number(new URL(api.url).port) } })
  await assert.rejects(serveApi(deps, new AbortController().signal), { code: 'INVALID_SETTING' })
})

test('the dashboard is served when it is built', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-dashboard-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<script type="module" src="/assets/app.js"></script>')
  await writeFile(join(folder, 'assets/app.js'), 'export {}')
  const api = await startApi(t, { options: { dashboardDir: folder, corsOrigins: ['https://a.example'] } })
  const page = await fetch(api.url)
  assert.match(await page.text(), /app\.js/)
  assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self'/)
  assert.equal((await fetch(`${api.url}/assets/app.js`)).status, 200)
  assert.equal((await fetch(`${api.url}/assets/..%2f..%2fetc/passwd`)).status, 404)
  const origin = async (name: string) =>
    (await fetch(`${api.url}/health`, { headers: { origin: name } })).headers.get('access-control-allow-origin')
  assert.deepEqual([await origin('https://a.example'), await origin('https://b.example')], ['https://a.example', null])
})
