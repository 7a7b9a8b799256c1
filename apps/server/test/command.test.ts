import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { Simulator } from '@candlewire/simulator'
import { finish, run } from './command.ts'
import { tradeFaults } from './compare.ts'
import { get, openExchange, temporary, withStore } from './platform.ts'
import { until } from './until.ts'

const HOUR = 3_600_000
const addresses = ({ restUrl, wsUrl }: Simulator) => ({ BINANCE_REST_URL: restUrl, BINANCE_WS_URL: wsUrl })

/** Waits for the address that a server says it listens on. */
const addressIn = (said: { err: string; out: string }) =>
  until(
    'an address',
    () => /http:\/\/(?:localhost|127\.0\.0\.1):\d+(?= \(page\)| and watch)/.exec(said.err + said.out)?.[0],
  )

describe('the commands, as processes', { concurrency: 2 }, () => {
  test('help tells how to use each', async (t) => {
    const { code, out } = await finish(t, ['--help'])
    assert.equal(code, 0)
    for (const name of ['demo', 'start', 'backfill', 'import', 'export', 'check']) {
      assert.match(out, new RegExp(`^  ${name} `, 'm'))
      const help = await finish(t, [name, '--help'])
      assert.equal(help.code, 0)
      assert.match(help.out, new RegExp(`^Usage: candlewire ${name} `))
      assert.equal(help.err, '')
    }
  })

  test('start stores everything received before a SIGTERM ends it', async (t) => {
    const simulator = await openExchange(t)
    const data = await temporary(t)
    const settings = { ...addresses(simulator), HOST: '127.0.0.1', WEBSOCKET_PORT: '0', CANDLEWIRE_DATA: data }
    const { child, said, closed } = run(t, ['start', '--symbols', 'BTCUSDT'], settings)
    const url = await addressIn(said)
    await until('a trade', async () => (await fetch(`${url}/api/v1/crypto/BTCUSDT/latest`)).ok)
    await until('frames', async () => Object((await get(`${url}/health`)).stats).messages_received > 200)
    const second = await finish(t, ['start'], settings)
    assert.equal(second.code, 2)
    assert.match(second.err, /another server uses/)
    const stopped = simulator.truth.ids('BTCUSDT').last
    const begun = performance.now()
    child.kill('SIGTERM')
    const { code, err } = await closed
    assert.equal(code, 0, err)
    assert.ok(performance.now() - begun < 10_000, 'it stops within ten seconds')
    await withStore(data, async (store) => {
      const trades = await store.trades({ exchange: 'binance', symbol: 'BTCUSDT' }, { from: 0, to: simulator.now() })
      const ids = trades.map(({ id }) => Number(id))
      assert.ok(ids.length > 0, 'trades are stored')
      assert.deepEqual(tradeFaults(trades, simulator.truth.trades('BTCUSDT', ids[0], ids.at(-1))), [])
      // Some were on the wire, none was in hand.
      assert.ok(ids.at(-1)! > stopped - 60, `${stopped - ids.at(-1)!} trades behind`)
    })
  })

  test('demo shows itself without any setting, and leaves nothing behind', async (t) => {
    const folder = await temporary(t)
    const { child, said, closed } = run(t, ['demo', '--port', '0'], { TMPDIR: folder })
    const url = await addressIn(said)
    await until('a price', async () => (await fetch(`${url}/api/v1/crypto/BTCUSDT/latest`)).ok, 30_000)
    child.kill('SIGINT')
    const { code, err } = await closed
    assert.equal(code, 0, err)
    assert.deepEqual(await readdir(folder), [])
  })

  test('backfill says the cost, fetches what is missing, and what is there is right', async (t) => {
    const simulator = await openExchange(t)
    const data = await temporary(t)
    const settings = { ...addresses(simulator), CANDLEWIRE_DATA: data }
    const market = ['--exchange', 'binance', '--symbol', 'BTCUSDT']
    const to = Math.floor(simulator.now() / HOUR) * HOUR
    const range = ['--from', String(to - 6 * HOUR), '--to', String(to)]
    const order = ['backfill', '--exchange', 'binance', '--symbols', 'BTCUSDT', '--timeframe', '1m', ...range]

    const estimate = await finish(t, [...order, '--dry-run'], settings)
    assert.equal(estimate.code, 0, estimate.err)
    assert.match(estimate.err, /Cost: 1 request, /)
    const filled = await finish(t, order, settings)
    assert.equal(filled.code, 0, filled.err)
    assert.match(filled.err, /with 1 request of 1 estimated/)
    assert.match((await finish(t, order, settings)).err, /Cost: 0 requests, /, 'what is there is not fetched again')

    for (const timeframe of ['1m', '1h']) {
      const checked = await finish(t, ['check', ...market, '--timeframe', timeframe, ...range], settings)
      const count = timeframe === '1m' ? 360 : 6
      assert.match(checked.out, new RegExp(`^${count} candles compared: ${count} equal`, 'm'), checked.err)
      assert.equal(checked.code, 0)
    }
    const exported = await finish(t, ['export', ...market, '--timeframe', '1h', ...range], settings)
    assert.equal(exported.out.trim().split('\n').length, 6, exported.err)

    await withStore(data, async (store) => {
      const series = { exchange: 'binance', symbol: 'BTCUSDT', timeframe: '1m' }
      const [candle] = await store.candles(series, { from: to - HOUR, limit: 1 })
      await store.putCandles([{ ...candle!, volume: candle!.volume * 2, revision: candle!.revision + 1 }])
      assert.equal(
        (await store.candles({ ...series, timeframe: '1h' }, { from: 0 })).length,
        6,
        'larger candles are made',
      )
    })
    const spoiled = await finish(t, ['check', ...market, '--timeframe', '1m', ...range], settings)
    assert.equal(spoiled.code, 1)
    assert.match(spoiled.out, /359 equal, 1 different/)
  })

  test('what cannot begin is told in a line, with exit code 2', async (t) => {
    const simulator = await openExchange(t)
    const data = await temporary(t)
    const file = join(data, 'file')
    await writeFile(file, '')
    const settings = {
      ...addresses(simulator),
      HOST: '127.0.0.1',
      WEBSOCKET_PORT: '0',
      CANDLEWIRE_DATA: join(data, 'store'),
    }
    const cases: [string[], Record<string, string>, RegExp][] = [
      [['start'], { WEBSOCKET_PORT: await takenPort(t) }, /port|address already in use/i],
      [['start'], { CANDLEWIRE_DATA: file }, /folder/],
      [['start', '--symbols', 'NOSUCH'], {}, /binance has no market NOSUCH/],
      [['start'], { ALLOWED_LATENESS_MS: 'soon' }, /^ALLOWED_LATENESS_MS: must be integer/m],
      [['start', '--timeframes', '7x'], {}, /^TIMEFRAMES: there is no timeframe "7x"/m],
      [['start', '--exchange', 'nope'], {}, /There is no exchange nope/],
      [['start', '--nonsense'], {}, /unknown option/],
      [['nonsense'], {}, /unknown command/],
      [['demo', '--symbols', 'many'], {}, /whole number/],
    ]
    for (const [args, change, message] of cases) {
      const { code, err } = await finish(t, args, { ...settings, LOG_LEVEL: 'error', ...change })
      assert.match(err, message)
      assert.equal(code, 2, err)
      assert.doesNotMatch(err, /^ +at /m, 'no stack')
    }
  })
})

/** A port that somebody else listens on. */
async function takenPort(t: TestContext): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = server.address()
  return String(typeof address === 'object' ? address?.port : 0)
}
