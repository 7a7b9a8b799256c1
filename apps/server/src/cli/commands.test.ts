import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { binance } from '../exchanges/binance/index.ts'
import type { RestClient } from '../exchanges/rest.ts'
import { DATA, run, skipWithoutData, temporary, zipOf } from './testSupport.ts'

const recorded = { skip: skipWithoutData }

/** A folder of its own, and the commands on one market in it. */
function shell(t: TestContext, exchange: string, symbol: string) {
  const data = temporary(t)
  const on = ['--exchange', exchange, '--symbol', symbol]
  return {
    data,
    file(name: string, content: string | Buffer): string {
      writeFileSync(join(data, name), content)
      return join(data, name)
    },
    importFiles: (kind: string, files: readonly string[], ...more: string[]) =>
      run(['import', ...on, '--kind', kind, ...more, ...files], { data }),
    async exported(timeframe: string, ...more: string[]) {
      const { code, stdout, stderr } = await run(['export', ...on, '--timeframe', timeframe, ...more], { data })
      return { code, stderr, lines: stdout.split('\n').slice(0, -1) }
    },
    async check(timeframe: string, file: string, ...more: string[]) {
      const line = ['check', ...on, '--timeframe', timeframe, '--json', '--file', file, ...more]
      const { code, stdout, stderr } = await run(line, { data })
      const result: unknown = stdout ? JSON.parse(stdout) : stderr
      return { code, result }
    },
  }
}

/** Recorded files of a folder whose names hold a text. */
const files = (folder: string, part: string): string[] =>
  readdirSync(join(DATA, folder))
    .filter((name) => name.includes(part))
    .map((name) => join(DATA, folder, name))

const equal = (exchange: string, symbol: string, timeframe: string, n: number, more = {}) => ({
  code: 0,
  result: {
    exchange,
    symbol,
    timeframe,
    compared: n,
    equal: n,
    missing: 0,
    extra: 0,
    outside: 0,
    differences: [],
    kinds: {},
    ...more,
  },
})

const XRP = 'pairs/binance-spot-XRPETH-2019-10'

test(
  'XRP/ETH: candles of trades equal the exchange, quiet minutes are flat, nothing is made up',
  recorded,
  async (t) => {
    const { importFiles, exported, check } = shell(t, 'binance', 'XRPETH')
    const { code, stderr } = await importFiles('aggTrades', files(XRP, 'trades'))
    assert.equal(code, 0, stderr)
    assert.match(stderr, /10,063 trades stored/)
    assert.deepEqual(await check('1m', files(XRP, '-1m')[0]!), equal('binance', 'XRPETH', '1m', 2_880))
    assert.deepEqual(await check('5m', files(XRP, '-5m')[0]!), equal('binance', 'XRPETH', '5m', 576))
    const { lines } = await exported('1m')
    assert.equal(lines.filter((line) => line.includes('"source":"trades"')).length, 1_995)
    assert.equal(lines.filter((line) => line.includes('"source":"filled"')).length, 885)
    const rows: number[][] = JSON.parse(String(gunzipSync(readFileSync(files(XRP, '-1m')[0]!))))
    const official = rows.map(([time, open, high, low, close, volume]) => ({ time, open, high, low, close, volume }))
    const ours = lines.map((line) => {
      const { time, open, high, low, close, volume } = JSON.parse(line)
      return { time, open, high, low, close, volume }
    })
    assert.deepEqual(ours, official)
  },
)

test('XRP/ETH: importing twice changes nothing, and both days one by one equal both at once', recorded, async (t) => {
  const once = shell(t, 'binance', 'XRPETH')
  const [file] = files(XRP, 'trades')
  const lines = String(gunzipSync(readFileSync(file!)))
    .split('\n')
    .filter(Boolean)
  await once.importFiles('aggTrades', [file!])
  const expected = await once.exported('12h')
  const again = await once.importFiles('aggTrades', [file!])
  assert.match(again.stderr, /10,063 trades stored/)
  assert.deepEqual(await once.exported('12h'), expected)

  const parts = shell(t, 'binance', 'XRPETH')
  const half = [lines.slice(0, 4_321), lines.slice(4_321)].map((part, n) => parts.file(`${n}`, part.join('\n')))
  await parts.importFiles('aggTrades', [half[1]!])
  await parts.importFiles('aggTrades', [half[0]!])
  for (const code of ['1m', '12h', '1d'])
    assert.deepEqual((await parts.exported(code)).lines, (await once.exported(code)).lines, code)
})

test('BTC spot: two captures in any order equal the two official bars', recorded, async (t) => {
  const { importFiles, check } = shell(t, 'binance', 'BTCUSDT')
  const { stderr } = await importFiles('trades', files('ws/hftbacktest', 'spot').reverse())
  assert.match(stderr, /19,904 trades stored/)
  assert.doesNotMatch(stderr, /\d hole/)
  const [official] = files('pairs/binance-spot-BTCUSDT-2024-08-08', '5m')
  assert.deepEqual(await check('5m', official!), equal('binance', 'BTCUSDT', '5m', 2))
})

test('BTC futures: five minutes equal, with quote volume and number of trades', recorded, async (t) => {
  const { importFiles, check } = shell(t, 'binance-usdm', 'BTCUSDT')
  await importFiles('trades', files('ws/hftbacktest', 'usdm'))
  const [official] = files('pairs/binance-usdm-BTCUSDT-2024-08-08', '1m')
  assert.deepEqual(await check('1m', official!), equal('binance-usdm', 'BTCUSDT', '1m', 5))
})

const ROLL_UPS = [
  ['bybit-multi-timeframe', 'ADAUSDT_1m', { '5m': ['_5m', 8_639], '15m': ['_15m', 2_879], '30m': ['_30m', 1_439] }, 1],
  ['bybit-multi-timeframe', 'DOGEUSDT_1m', { '1h': ['_60m', 719], '4h': ['_240m', 179] }, 1],
  ['binance-spot-2024-multi-timeframe', 'BTC_USDT-5m', { '15m': ['-15m', 25_649], '1h': ['-1h', 6_412] }, 0],
  ['binance-spot-BTC_USDT', 'BTC_USDT-1m', { '5m': ['-5m', 8_639] }, 0],
  ['coinbase-second-minute', 'second', { '1m': ['1007_btcusd_minute', 1_419] }, 0],
] as const

for (const [folder, name, references, outside] of ROLL_UPS) {
  test(`${folder} ${name}: larger candles equal the exchange's own`, recorded, async (t) => {
    const { importFiles, check } = shell(t, 'other', 'BTCUSDT')
    const imported = await importFiles('klines', files(`klines/${folder}`, name))
    assert.equal(imported.code, 0, imported.stderr)
    for (const [code, [part, bars]] of Object.entries(references)) {
      const market = name.split('_')[0]!
      const [file] = files(`klines/${folder}`, part).filter((path) => part.startsWith('1') || path.includes(market))
      assert.deepEqual(await check(code, file!), equal('other', 'BTCUSDT', code, bars, { outside }), code)
    }
  })
}

test('an outage leaves a gap in every timeframe, and the two recordings of it agree', recorded, async (t) => {
  const three = shell(t, 'binance', 'ADAUSDT')
  const five = shell(t, 'binance', 'ADAUSDT')
  await three.importFiles('klines', files('klines/binance-spot-outage-2023-03-24', '3m'))
  const { stderr } = await five.importFiles('klines', files('klines/binance-spot-outage-2023-03-24', 'ADA_USDT-5m'))
  assert.match(stderr, /1 hole:\n {2}2023-03-24T12:40:00Z to 2023-03-24T14:00:00Z/)
  const [a, b] = [await three.exported('15m'), await five.exported('15m')]
  assert.ok(a.lines.length > 750)
  assert.deepEqual(a.lines, b.lines)
  assert.match(b.stderr, /Nothing known from 2023-03-24T12:30:00Z to 2023-03-24T14:00:00Z/)
})

test(
  'export: the halt has no line, or lines that say so; flat rows of the exchange stay its own',
  recorded,
  async (t) => {
    for (const [part, code, bars] of [
      ['ADA_USDT-3m', '3m', 26],
      ['BTC_USDT-5m', '5m', 16],
    ] as const) {
      const { importFiles, exported } = shell(t, 'binance', 'XUSDT')
      await importFiles('klines', files('klines/binance-spot-outage-2023-03-24', part))
      const range = ['--from', '2023-03-24T11:30:00Z', '--to', '2023-03-24T15:00:00Z']
      const plain = (await exported(code, ...range)).lines
      const sources = plain.map((line) => JSON.parse(line).source)
      assert.deepEqual([...new Set(sources)], ['backfill'], 'nothing is filled in')
      assert.ok(plain.some((line) => JSON.parse(line).volume === 0))
      const all = (await exported(code, ...range, '--gaps')).lines.map((line) => JSON.parse(line))
      const unknown = all.filter(({ source }) => source === 'unknown')
      assert.equal(unknown.length, bars)
      assert.deepEqual(Object.keys(unknown[0]!), Object.keys(JSON.parse(plain[0]!)))
      assert.equal(all.length, plain.length + bars)
      const csv = (await exported(code, ...range, '--gaps', '--format', 'csv')).lines
      assert.equal(csv.filter((line) => /^\d+,{9}unknown$/.test(line)).length, bars)
    }
  },
)

test('five years of hours: each of the 27 maintenance gaps is unknown, none is filled', recorded, async (t) => {
  const { importFiles, exported } = shell(t, 'binance', 'BTCUSDT')
  await importFiles('klines', files('klines/binance-spot-BTC_USDT', '-1h'))
  const rows = (await exported('1h', '--gaps')).lines.map((line) => JSON.parse(line))
  assert.equal(rows.filter(({ source }) => source === 'filled').length, 0)
  const begins = rows.filter(({ source }, index) => source === 'unknown' && rows[index - 1]?.source !== 'unknown')
  assert.equal(begins.length, 27)
  assert.equal(rows.filter(({ source }) => source !== 'unknown').length, 45_345)
})

test('rows that an exchange leaves out in a halt: larger candles only with --sparse', recorded, async (t) => {
  const { importFiles, check } = shell(t, 'binance', 'BTCUSDT')
  const [hours] = files('klines/binance-spot-BTC_USDT', '-1h')
  const [fours] = files('klines/binance-spot-BTC_USDT', '-4h')
  await importFiles('klines', [hours!])
  const until = ['--to', '2022-10-25', '--relative', '1e-9', '--limit', '0']
  const without = await check('4h', fours!, ...until)
  assert.deepEqual(without, {
    ...equal('binance', 'BTCUSDT', '4h', 11_314, { missing: 37, outside: 1, kinds: { unknown: 37 } }),
    code: 1,
  })
  await importFiles('klines', [hours!], '--sparse')
  assert.deepEqual(await check('4h', fours!, ...until), equal('binance', 'BTCUSDT', '4h', 11_351, { outside: 1 }))
})

const trade = (id: number, time: number, price = 10, quantity = 1): string =>
  `${id},${price},${quantity},0,${time},true,true\n`
const NOON = Date.UTC(2024, 7, 8, 12)
const DAY = 86_400_000

test('a hole is told and the candles it touches are left out, duplicates and zeros are set aside', async (t) => {
  const { importFiles, exported, file } = shell(t, 'binance', 'XUSDT')
  const times = Array.from({ length: 60 }, (_, n) => NOON + n * 10_000)
  const rows = times.map((time, n) => trade(n, time, 10 + n, n === 30 ? 0 : 1))
  const path = file('x.csv', rows.toSpliced(20, 1).toSpliced(5, 0, rows[4]!).join(''))
  const { code, stderr } = await importFiles('trades', [path], '--timeframes', '1m,5m')
  assert.equal(code, 0)
  assert.match(stderr, /58 trades stored/)
  assert.match(stderr, /1 trade came before/)
  assert.match(stderr, /1 trade of price or quantity 0/)
  assert.match(stderr, /12:03:10Z to 2024-08-08T12:03:30.001Z, 1 trade missing/)
  const { lines, stderr: said } = await exported('1m')
  const minutes = lines.map((line) => new Date(Number(JSON.parse(line).time)).getUTCMinutes())
  assert.deepEqual(minutes, [1, 2, 4, 5, 6, 7, 8])
  assert.match(said, /Nothing known from 2024-08-08T12:03:00Z to 2024-08-08T12:04:00Z/)
})

test('a file named for its day, and --whole, make the candles at both edges whole', async (t) => {
  const text = trade(1, NOON) + trade(2, NOON + 1)
  for (const [name, more] of [
    ['X-trades-2024-08-08.zip', []],
    ['x.zip', ['--whole']],
    ['y.zip', []],
  ] as const) {
    const { importFiles, exported, file } = shell(t, 'binance', 'XUSDT')
    const path = file(name, zipOf('trades.csv', text))
    await importFiles('trades', [path], '--timeframes', '1h,1d', ...more)
    assert.equal((await exported('1d')).lines.length, name === 'y.zip' ? 0 : 1, name)
    assert.equal((await exported('1h')).lines.length, name === 'y.zip' ? 0 : 12, `${name}: flat to midnight`)
  }
})

test('bad rows are shown, the rest is imported, and the exit code says so', async (t) => {
  const { importFiles, exported, file } = shell(t, 'binance', 'XUSDT')
  const broken = file('a.csv', `${trade(1, NOON)}nonsense\n${trade(2, NOON + 60_000)}`)
  const { code, stderr } = await importFiles('trades', [broken], '--timeframes', '1s', '--whole')
  assert.equal(code, 1)
  assert.match(stderr, /a\.csv:2: 1 columns where 7 are expected/)
  assert.match(stderr, /1 bad row left out/)
  assert.ok((await exported('1s')).lines.length > 0)
})

test('klines never replace candles that were folded from trades', async (t) => {
  const { importFiles, exported, file } = shell(t, 'binance', 'XUSDT')
  await importFiles(
    'trades',
    [file('a.csv', trade(1, NOON) + trade(2, NOON + 60_000))],
    '--whole',
    '--timeframes',
    '1m',
  )
  const before = await exported('1m', '--from', '2024-08-08T12:00:00Z', '--to', '2024-08-08T12:02:00Z')
  const lines = [0, 1, 2].map((n) => `${NOON + n * 60_000},10,11,10,10,7`)
  const { stderr } = await importFiles('klines', [file('k.csv', lines.join('\n'))], '--timeframes', '1m')
  assert.match(stderr, /2 candles kept as stored, folded from trades or richer; 2 of them differ/)
  assert.deepEqual(await exported('1m', '--from', '2024-08-08T12:00:00Z', '--to', '2024-08-08T12:02:00Z'), before)
})

test('export prints exact decimals as CSV and JSON, to a file too, and says when there is nothing', async (t) => {
  const { importFiles, exported, file, data } = shell(t, 'binance', 'XUSDT')
  const row = `${NOON},0.00000012,0.00000013,0.00000011,0.00000012,1234567890123.45678901,0,12345678.12345678,3,0,0,0`
  await importFiles('klines', [file('k.csv', row)], '--timeframe', '1m')
  const csv = await exported('1m', '--format', 'csv')
  assert.deepEqual(csv.lines, [
    'time,open,high,low,close,volume,quote_volume,trades,closed,source',
    `${NOON},0.00000012,0.00000013,0.00000011,0.00000012,1234567890123.45678901,12345678.12345678,3,true,backfill`,
  ])
  const target = join(data, 'out.jsonl')
  await exported('1m', '--output', target)
  assert.match(readFileSync(target, 'utf8'), /"volume":1234567890123\.45678901,/)
  const empty = await exported('1m', '--from', '2020-01-01', '--to', '2020-01-02')
  assert.deepEqual([empty.code, empty.lines.length], [1, 0])
  assert.match(empty.stderr, /There is no 1m candle/)
  const other = await run(['export', '--exchange', 'binance', '--symbol', 'NONE', '--timeframe', '1m'], { data })
  assert.equal(other.code, 1)
  assert.match(other.stderr, /Nothing is stored of binance NONE/)
  const nowhere = await exported('1m', '--output', join(data, 'none/out'))
  assert.equal(nowhere.code, 2)
  assert.ok(!existsSync(join(data, 'none')))
})

test('check names what differs, is missing and is too much', async (t) => {
  const { importFiles, check, file, data } = shell(t, 'binance', 'XUSDT')
  const line = (n: number, close = 10, volume = '7'): string => `${NOON + n * 60_000},10,11,10,${close},${volume}\n`
  await importFiles('klines', [file('k.csv', line(0) + line(1) + line(2) + line(4))], '--timeframes', '1m')
  const other = file('o.csv', line(0) + line(1, 11, '7.0000001') + line(3) + line(4))
  const { code, result } = await check('1m', other, '--relative', '1e-6')
  assert.equal(code, 1)
  assert.deepEqual(result, {
    ...equal('binance', 'XUSDT', '1m', 3).result,
    equal: 2,
    missing: 1,
    extra: 1,
    differences: [
      { time: NOON + 60_000, field: 'close', ours: '10', theirs: '11', difference: '-1', kind: 'exchange_revision' },
      { time: NOON + 180_000, field: 'candle', ours: 'missing', theirs: 'present', difference: '', kind: 'unknown' },
      { time: NOON + 120_000, field: 'candle', ours: 'present', theirs: 'missing', difference: '', kind: 'no_candle' },
    ],
    kinds: { exchange_revision: 1, unknown: 1, no_candle: 1 },
  })
  const market = ['--exchange', 'binance', '--symbol', 'XUSDT', '--timeframe', '1m']
  const table = await run(['check', ...market, '--file', other], { data })
  assert.match(table.stdout, /volume │ +7 │ 7\.0000001 │ +-0\.0000001/)
  const backwards = await run(['check', ...market, '--from', '2025-01-01', '--to', '2024-01-01', '--file', other], {
    data,
  })
  assert.equal(backwards.code, 2)
})

test('backfill tells its cost first, then what it did', async (t) => {
  const data = temporary(t)
  const line = 'backfill --exchange binance --symbols BTC/USDT,ethusdt --timeframe 1m'.split(' ')
  const asked: unknown[] = []
  const backfiller = {
    estimate: async () => ({ requests: 4, weight: 8, seconds: 1.2 }),
    run: async (order: unknown, onProgress: (requests: number, candles: number) => void) => {
      asked.push(order)
      onProgress(2, 1_000)
      return [
        { symbol: 'BTCUSDT', requests: 2, candles: 1_000, errors: [] },
        { symbol: 'ETHUSDT', requests: 2, candles: 900, errors: ['no answer'] },
      ]
    },
  }
  const times = ['--from', '2024-08-08', '--to', '2024-08-09']
  const { code, stderr } = await run([...line, ...times], { data, backfiller })
  assert.equal(code, 1, 'a symbol had an error')
  assert.match(
    stderr,
    /Cost: 4 requests, weight 8, about 1\.2 s, done at 20\d\d-\S+Z\..*with 4 requests of 4 estimated.*ETHUSDT: no answer/s,
  )
  const [from, to] = [Date.UTC(2024, 7, 8), Date.UTC(2024, 7, 9)]
  assert.deepEqual(asked, [{ exchange: 'binance', symbols: ['BTCUSDT', 'ETHUSDT'], timeframe: '1m', from, to }])
  assert.equal((await run([...line, ...times, '--dry-run'], { data, backfiller })).code, 0)
  const both = await run([...line, ...times, '--lookback-hours', '3'], { data, backfiller })
  assert.equal(both.code, 2)
  assert.equal(asked.length, 1)
})

test('check asks the exchange page by page when no file is named', async (t) => {
  const { importFiles, file, data } = shell(t, 'binance', 'XUSDT')
  const minutes = Array.from({ length: 2_500 }, (_, n) => NOON + n * 60_000)
  const row = (time: number, volume: string) =>
    [time, '10.0', '11.0', '10.0', '10.5', volume, time + 59_999, '73.5', 3, '1.0', '10.0', '0'] as const
  await importFiles('klines', [file('k.json', JSON.stringify(minutes.map((time) => row(time, '7.0'))))])
  const asked: number[] = []
  const client: RestClient = {
    exchange: binance,
    async ask(request) {
      if (request.path !== '/api/v3/klines') return request.read([], NOON)
      const from = Number(request.query.startTime)
      asked.push(from)
      const page = minutes.filter((time) => time >= from && time <= Number(request.query.endTime)).slice(0, 1_000)
      return request.read(
        page.map((time) => row(time, time === NOON + 60_000 ? '7.5' : '7.0')),
        NOON,
      )
    },
    usage: () => ({ used: 0, limit: 0, blockedUntil: 0, consecutiveLimits: 0, requests: 0, failures: 0 }),
  }
  const line = 'check --exchange binance --symbol XUSDT --timeframe'.split(' ')
  const { code, stdout } = await run([...line, '1m'], { data, client })
  assert.equal(code, 1)
  assert.match(stdout, /2,500 candles compared: 2,499 equal, 1 different/)
  assert.match(stdout, / 1 exchange revision: /)
  const pages = [NOON, NOON + 60_000_000, NOON + 120_000_000]
  assert.deepEqual(asked.toSorted(), [NOON, NOON + 60_000, ...pages.slice(1)], 'and the one that differs once more')
  const custom = await run([...line, '45m'], { data, client })
  assert.equal(custom.code, 2)
  assert.match(custom.stderr, /binance has no 45m candles/)
})

test('an import that is stopped says so', async (t) => {
  const data = temporary(t)
  writeFileSync(join(data, 'a.csv'), trade(1, NOON))
  const line = `import --exchange binance --symbol XUSDT --kind trades ${join(data, 'a.csv')}`.split(' ')
  const { code, stderr } = await run(line, { data, signal: AbortSignal.abort() })
  assert.equal(code, 2)
  assert.match(stderr, /^Stopped/)
})

test('a trade that comes after its candle has ended is still part of it', async (t) => {
  const { importFiles, exported, file } = shell(t, 'binance', 'XUSDT')
  const rows = [
    trade(1, NOON, 10),
    trade(2, NOON + 60_000, 20),
    trade(3, NOON + 59_999, 30),
    trade(4, NOON + 180_000, 40),
  ]
  await importFiles('trades', [file('a.csv', rows.join(''))], '--timeframes', '1s,1m,1h', '--whole')
  const closes = async (code: string, minutes: number) => {
    const { lines } = await exported(code, '--from', String(NOON), '--to', String(NOON + minutes * 60_000))
    return lines.map((line) => JSON.parse(line)).map(({ close, trades }) => [close, trades])
  }
  assert.deepEqual(await closes('1m', 2), [
    [30, 2],
    [20, 1],
  ])
  assert.deepEqual(await closes('1h', 60), [[40, 4]])
})

test('a larger candle over two imports is whole, whatever timeframes the first one built', async (t) => {
  const { importFiles, exported, file } = shell(t, 'binance', 'XUSDT')
  await importFiles('trades', [file('X-trades-2024-08-05.csv', trade(1, NOON - 3 * DAY))], '--timeframes', '1h')
  for (const day of [6, 7, 8, 9, 10, 11]) {
    const path = file(`X-trades-2024-08-${String(day).padStart(2, '0')}.csv`, trade(day - 4, NOON + (day - 8) * DAY))
    await importFiles('trades', [path], '--timeframes', '1h,1d,1w')
  }
  const { lines } = await exported('1w')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ time, trades }) => [time, trades]),
    [[Date.UTC(2024, 7, 5), 7]],
  )
})
