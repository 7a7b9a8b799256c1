import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import type { Market } from '../../domain/market.ts'
import { parseExact } from '../../lib/decimal.ts'
import { silent } from '../../lib/log.ts'
import { candle, double, MINUTE, T0 } from '../samples.ts'
import { readAddress } from './address.ts'
import { mysqlStore } from './index.ts'
import { decimalText } from './laravel.ts'
import { connect, freshDatabase, noServer } from './testDatabase.ts'

const MODELS = join(import.meta.dirname, '../../../../../docs/laravel')
const ELOQUENT = '/usr/share/php/Illuminate/Database/autoload.php'
const noLaravel =
  !existsSync(ELOQUENT) && process.env.REQUIRE_SERVICES !== '1'
    ? `no Eloquent at ${ELOQUENT}: install php-cli, php-mysql and php-illuminate-database`
    : false

const market = (fields: Partial<Market> = {}): Market => ({
  exchange: 'binance',
  symbol: 'BTCUSDT',
  nativeSymbol: 'BTCUSDT',
  base: 'BTC',
  quote: 'USDT',
  status: 'trading',
  priceDecimals: 2,
  quantityDecimals: 5,
  minQuantity: 0.00001,
  ...fields,
})

/** A store with a clock, and a look at the tables beside it. */
async function opened(t: TestContext) {
  const url = await freshDatabase()
  const clock = { time: T0 + 5 * MINUTE }
  const store = await mysqlStore({ url, now: () => clock.time, log: silent })
  t.after(() => store.close())
  const beside = await connect(url)
  t.after(() => beside.end())
  const look = async (sql: string): Promise<unknown> => (await beside.query({ sql, rowsAsArray: true }))[0]
  return { url, clock, store, look }
}

describe('MySQL for Laravel', { skip: noServer }, () => {
  test('a row says what its candle says, to the last digit, and follows its revisions', async (t) => {
    const { clock, store, look } = await opened(t)
    // More digits than a double has.
    const { value: volume, rest: volumeRest } = parseExact('123456789012.12345678')
    const first = candle({ open: 0.1 + 0.2, volume, volumeRest, trades: 7 })
    await store.putCandles([first, candle({ time: T0 + MINUTE }), candle({ timeframe: '1M' })])
    const read = `SELECT symbol, timeframe, CAST(open_time AS CHAR), open, volume, trades_count,
        CAST(d.created_at AS CHAR), CAST(d.updated_at AS CHAR)
      FROM historical_data d JOIN trading_pairs ON trading_pairs.id = trading_pair_id
      WHERE timeframe = '1m' ORDER BY open_time LIMIT 1`
    const row = ['BTCUSDT', '1m', '2024-01-01 00:00:00', '0.300000000000000040', '123456789012.123456780000000000', 7]
    assert.deepEqual(await look(read), [[...row, '2024-01-01 00:05:00', '2024-01-01 00:05:00']])

    clock.time += MINUTE
    await store.putCandles([first, { ...first, revision: 1, open: 1.5 }, { ...first, open: 9 }])
    row[3] = '1.500000000000000000'
    assert.deepEqual(await look(read), [[...row, '2024-01-01 00:05:00', '2024-01-01 00:06:00']])
    assert.deepEqual(await look('SELECT COUNT(*) FROM historical_data JOIN candles USING (id)'), [[3]])
    await assert.rejects(look('DELETE FROM trading_pairs'), /foreign key/)
  })

  test('every figure has the text of its double, or none where DECIMAL(36,18) is too small', async (t) => {
    const { store, look } = await opened(t)
    let time = T0
    const figure = fc.oneof(double, fc.double({ min: 1e-9, max: 1e12, noNaN: true }))
    await fc.assert(
      fc.asyncProperty(figure, async (open) => {
        time += MINUTE
        await store.putCandles([candle({ time, open })])
        const at = new Date(time).toISOString().slice(0, 19)
        const text = decimalText(open)
        const expected = `SELECT open <=> CAST(${text === null ? 'NULL' : `'${text}'`} AS DECIMAL(36, 18)), open + 0E0`
        const found = await look(`${expected} FROM historical_data WHERE open_time = '${at}'`)
        assert.ok(Array.isArray(found))
        const [same, value] = found[0]
        assert.equal(same, 1)
        if (text === null) assert.ok(Math.abs(open) >= 1e18)
        else assert.ok(Math.abs(value - open) <= 1e-18 + Math.abs(open) * Number.EPSILON, `${open} is ${value}`)
      }),
      { numRuns: 100 },
    )
  })

  test('what an exchange says of its markets is in trading_pairs, its time only when it says something else', async (t) => {
    const { clock, store, look } = await opened(t)
    await store.putCandles([candle()])
    const read = `SELECT symbol, base_currency, quote_currency, is_active, min_quantity, CAST(updated_at AS CHAR)
      FROM trading_pairs ORDER BY id`
    assert.deepEqual(await look(read), [['BTCUSDT', null, null, 1, null, '2024-01-01 00:05:00']])
    clock.time += MINUTE
    const eth = market({ symbol: 'ETHUSDT', base: 'ETH', minQuantity: 0, status: 'halted' })
    await store.putMarkets([market(), eth])
    const btc = ['BTCUSDT', 'BTC', 'USDT', 1, '0.000010000000000000']
    const rows = [
      [...btc, '2024-01-01 00:06:00'],
      ['ETHUSDT', 'ETH', 'USDT', 0, null, '2024-01-01 00:06:00'],
    ]
    assert.deepEqual(await look(read), rows)
    clock.time += MINUTE
    await store.putMarkets([market(), { ...eth, status: 'trading' }])
    rows[1] = ['ETHUSDT', 'ETH', 'USDT', 1, null, '2024-01-01 00:07:00']
    assert.deepEqual(await look(read), rows)

    clock.time += MINUTE
    await store.putCandles([candle({ exchange: 'bybit' })])
    await store.putMarkets([])
    await store.putMarkets([market()])
    rows[1] = ['ETHUSDT', 'ETH', 'USDT', 0, null, '2024-01-01 00:08:00']
    rows.push(['BTCUSDT', null, null, 1, null, '2024-01-01 00:08:00'])
    assert.deepEqual(await look(read), rows, 'what an exchange lists no more is not active; others are not touched')
  })

  test('an exchange may have thousands of markets', async (t) => {
    const { store, look } = await opened(t)
    await store.putCandles([candle()])
    const list = Array.from({ length: 3_000 }, (_, n) => market({ symbol: `X${n}USDT`, base: `X${n}` }))
    await store.putMarkets(list)
    await store.putMarkets([...list, market()])
    const read = 'SELECT COUNT(*), SUM(is_active), COUNT(DISTINCT base_currency) FROM trading_pairs'
    assert.deepEqual(await look(read), [[3_001, '3001', 3_001]])
  })

  test('Eloquent reads it through the models of docs/laravel', { skip: noLaravel }, async (t) => {
    const { url, store } = await opened(t)
    await store.putMarkets([market()])
    await store.putCandles([0, 1, 2].map((n) => candle({ time: T0 + n * MINUTE, open: n + 0.1, trades: n })))
    const { options } = readAddress(url)
    const { host, port, user = '', password = '', database = '' } = options
    const script = join(import.meta.dirname, 'eloquent.php')
    const values = [script, host, String(port), user, password, database, MODELS]
    const { stdout } = await promisify(execFile)('php', ['-d', 'error_reporting=22527', ...values])
    const known = '2024-01-01T00:05:00+00:00'
    const row = (n: number, open: string) => [(T0 + n * MINUTE) / 1000, open, '12.345000000000000000', n, known, known]
    assert.deepEqual(JSON.parse(stdout), {
      pair: ['binance', 'BTCUSDT', 'BTC', true, '0.000010000000000000'],
      candles: [row(1, '1.100000000000000000'), row(2, '2.100000000000000000')],
      back: 'binance',
    })
  })
})
