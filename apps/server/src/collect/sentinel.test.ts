import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordedLines } from '../../test/recorded.ts'
import type { Market } from '../domain/market.ts'
import type { Trade } from '../domain/trade.ts'
import { binance } from '../exchanges/binance/index.ts'
import { createStream } from '../exchanges/binance/stream.ts'
import { silent } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { createSentinel } from './sentinel.ts'

const DAY = 86_400_000
const now = Date.UTC(2026, 0, 2)
const market: Market = {
  exchange: 'binance',
  symbol: 'BTCUSDT',
  nativeSymbol: 'BTCUSDT',
  base: 'BTC',
  quote: 'USDT',
  status: 'trading',
  priceDecimals: 2,
  quantityDecimals: 5,
  minQuantity: 0,
}
const good: Trade = {
  type: 'trade',
  exchange: 'binance',
  symbol: 'BTCUSDT',
  id: 1,
  count: 1,
  price: 61_837.63,
  quantity: 0.00123,
  side: 'buy',
  time: now - 40,
  received: now,
}

function open(offset?: number) {
  const metrics = createMetrics()
  const exchange = { ...binance, stream: createStream() }
  const exchangeTime = (ours: number) => (offset === undefined ? undefined : ours + offset)
  const sentinel = createSentinel({ exchange, log: silent, metrics, exchangeTime })
  sentinel.know([market])
  const counted = async () =>
    Object.fromEntries((await metrics.drift.get()).values.map(({ labels, value }) => [labels.kind, value]))
  return { sentinel, exchange, counted }
}

describe('the sentinel', () => {
  const table: [string, Partial<Trade>, ReturnType<ReturnType<typeof open>['sentinel']['inspect']>][] = [
    ['a usual trade', {}, undefined],
    ['a time in seconds', { time: Math.floor(now / 1_000) }, 'time'],
    ['a time of yesterday but one', { time: now - DAY - 1 }, 'time'],
    ['a time a little ahead of an exchange whose clock is not measured', { time: now + 5_000 }, undefined],
    ['a price ten times as high within a second', { price: 700_000, time: now + 100 }, 'price jump'],
    ['a price of a tenth within a second', { price: 6_000, time: now + 100 }, 'price jump'],
    ['the same jump after a longer silence', { price: 700_000, time: now + 1_000 }, undefined],
    ['a finer price', { price: 61_837.631 }, 'precision'],
    ['a finer quantity', { quantity: 0.001231 }, 'precision'],
    ['a price of many digits', { price: 9_999_999_999.99, time: now + 2_000 }, undefined],
  ]
  for (const [what, change, kind] of table) {
    test(`${what}: ${kind ?? 'nothing wrong'}`, async () => {
      const { sentinel, counted } = open()
      assert.equal(sentinel.inspect(good), undefined)
      assert.equal(sentinel.inspect({ ...good, id: 2, ...change }), kind)
      assert.deepEqual(await counted(), kind ? { [kind]: 1 } : {})
      assert.deepEqual(
        sentinel.drifting(now).map(({ symbol, kinds }) => ({ symbol, kinds })),
        kind ? [{ symbol: 'BTCUSDT', kinds: { [kind]: 1 } }] : [],
      )
      assert.equal(sentinel.inspect({ ...good, id: 3, ...(kind ? {} : change) }), undefined, 'the next one is welcome')
    })
  }

  test('a trade ahead of the measured clock of the exchange would close candles too soon', () => {
    const { sentinel } = open(500)
    assert.equal(sentinel.inspect({ ...good, time: now + 59_000 }), undefined)
    assert.equal(sentinel.inspect({ ...good, time: now + 61_000 }), 'time')
  })

  test('what REST says again is real, and usual from then on; an impossible time never is', () => {
    const { sentinel } = open()
    sentinel.inspect(good)
    for (const change of [{ price: 700_000 }, { price: 700_000.125 }, { price: 700_000, quantity: 0.0000001 }]) {
      const strange = { ...good, ...change }
      assert.ok(sentinel.inspect(strange))
      assert.equal(sentinel.confirm(strange), true)
      assert.equal(sentinel.inspect(strange), undefined)
    }
    assert.equal(sentinel.confirm({ ...good, time: 12 }), false)
  })

  test('unknown fields and µs are told once and set nothing aside; an unknown status too', async () => {
    const { sentinel, exchange, counted } = open()
    const frame = (text: string) => Buffer.from(`{"stream":"btcusdt@trade","data":{"e":"trade",${text}}}`)
    const rest = '"s":"BTCUSDT","t":1,"p":"61837.63","q":"0.00123"'
    const frames = [
      frame(`"E":${now},${rest},"T":${now},"m":true,"M":true,"zz":1`),
      frame(`"E":${now}000,${rest},"T":${now}000,"m":true,"M":true,"N":1`),
    ]
    for (const raw of frames) {
      const [event] = exchange.stream.read(raw, now)
      assert.ok(event?.type === 'trade')
      assert.equal(event.time, now)
      assert.equal(sentinel.inspect(event), undefined)
      sentinel.look(raw)
    }
    sentinel.know([{ ...market, unknownStatus: 'PAUSED' }])
    assert.deepEqual(await counted(), { 'unknown field': 2, 'time unit': 1, 'unknown value': 1 })
    assert.deepEqual(sentinel.drifting(now), [])
  })

  test('a status that is not documented keeps its name', () => {
    const row = { symbol: 'AB', status: 'PAUSED', baseAsset: 'A', quoteAsset: 'B', filters: [] }
    const [read] = binance.rest.markets().read({ symbols: [row, { ...row, status: 'HALT' }] }, now)
    assert.deepEqual([read?.status, read?.unknownStatus], ['halted', 'PAUSED'])
    assert.equal(
      binance.rest.markets().read({ symbols: [{ ...row, status: 'HALT' }] }, now)[0]?.unknownStatus,
      undefined,
    )
  })
})

for (const file of [
  'hftbacktest/spot_btcusdt_20240808.gz',
  'hftbacktest/spot_btcusdt_20240809.gz',
  'hftbacktest/usdm_btcusdt_20240808.gz',
  'cryptofeed/BINANCE.ws.1.0.gz',
  'cryptofeed/BINANCE_FUTURES.ws.1.0.gz',
  'tardis-node/binance-spot.jsonl',
]) {
  test(`no false alarm in ${file}`, async (t) => {
    const { sentinel, exchange, counted } = open()
    let trades = 0
    for (const line of recordedLines(t, `ws/${file}`)) {
      const found = /^(\d[\d.]+):? (\{.*)$/.exec(line) ?? (line.startsWith('{') ? [line, '', line] : undefined)
      if (!found) continue
      const raw = Buffer.from(found[2]!)
      for (const event of exchange.stream.read(raw, 0)) {
        if (event.type === 'malformed') {
          // The one known bad record of a futures feed: a fill of price 0 and quantity 0.
          assert.match(event.reason, /not above zero/)
          continue
        }
        if (event.type !== 'trade') continue
        trades += 1
        const received: number = found[1] ? Number(found[1]!.replace('.', '').padEnd(13, '0').slice(0, 13)) : event.time
        assert.equal(sentinel.inspect({ ...event, received }), undefined, line)
      }
      for (const strange of exchange.stream.unfamiliar?.(raw) ?? []) assert.fail(`${strange.what}: ${line}`)
    }
    assert.ok(trades > 0)
    assert.deepEqual(await counted(), {})
  })
}
