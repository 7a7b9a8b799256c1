import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Type from 'typebox'
import Value from 'typebox/value'
import { connect, KlineFrame, TradeFrame } from '../../test/wire.ts'
import { createSimulator, type FaultStep, type Simulator } from '../index.ts'
import { FaultScript } from './faults.ts'

const minute = 60_000
const start = Date.UTC(2026, 6, 1, 12, 0, 30)

const open = async (t: TestContext, faults: FaultStep[] = []) => {
  const simulator = await createSimulator({
    clock: 'manual',
    start,
    symbols: ['BTCUSDT', 'ETHBTC'],
    tradesPerSecond: { BTCUSDT: 5, ETHBTC: 1 },
    historyMs: 10 * minute,
    limits: { messages: 1_000, pingMs: 1e12 },
    faults,
  })
  t.after(() => simulator.close())
  const client = await connect(`${simulator.wsUrl}/ws/btcusdt@trade/ethbtc@trade`)
  const first = simulator.truth.ids('BTCUSDT').last + 1
  const received = () =>
    client
      .all(TradeFrame)
      .filter(({ s }) => s === 'BTCUSDT')
      .map(({ t }) => t)
  const truth = (from = first) => simulator.truth.trades('BTCUSDT', from).map(({ id }) => id)
  return { simulator, client, first, received, truth }
}

const post = async (simulator: Simulator, body: unknown) =>
  fetch(`${simulator.restUrl}/sim/faults`, { method: 'POST', body: JSON.stringify(body) })
const status = async (simulator: Simulator, path = '/api/v3/time') => {
  const response = await fetch(simulator.restUrl + path)
  await response.text()
  return response.status
}

test('missing: the wire lacks just these trades, REST has them', async (t) => {
  const { simulator, client, first, received, truth } = await open(t)
  simulator.faults.missing({ symbols: ['BTCUSDT'], count: 3 })
  await simulator.advance(10_000)
  await client.settle()
  assert.deepEqual(received(), truth().slice(3))
  const rest = await fetch(`${simulator.restUrl}/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${first}&limit=3`)
  assert.deepEqual(await rest.json(), simulator.truth.trades('BTCUSDT', first, first + 2))
  assert.ok(client.all(TradeFrame).some(({ s }) => s === 'ETHBTC'))
})

test('duplicate and reorder', async (t) => {
  const { simulator, client, received, truth } = await open(t)
  simulator.faults.duplicate({ symbols: ['BTCUSDT'], count: 2 })
  await simulator.advance(5_000)
  await client.settle()
  const [a, b, ...rest] = truth()
  assert.deepEqual(received(), [a, a, b, b, ...rest])
  const before = received().length
  simulator.faults.reorder({ symbols: ['BTCUSDT'], count: 1 })
  await simulator.advance(5_000)
  await client.settle()
  const [c, d, ...others] = truth().slice(rest.length + 2)
  assert.deepEqual(received().slice(before), [d, c, ...others])
})

test('malformed: broken frames, then whole ones', async (t) => {
  const { simulator, client, received, truth } = await open(t)
  simulator.faults.malformed({ symbols: ['BTCUSDT'], count: 3 })
  await simulator.advance(10_000)
  await client.settle()
  assert.deepEqual(received(), truth().slice(3))
  assert.ok(client.texts.length > 3)
})

test('silence: the socket stays open, nothing comes, trades happen', async (t) => {
  const { simulator, client, received, truth } = await open(t)
  simulator.faults.silence({ ms: 20_000 })
  await simulator.advance(19_900)
  await client.settle()
  assert.deepEqual(client.all(TradeFrame), [])
  const lost = truth()
  assert.ok(lost.length > 10)
  await simulator.advance(20_000)
  await client.settle()
  assert.ok(received()[0]! > lost.at(-1)!)
  assert.deepEqual(received(), truth(received()[0]))
})

test('late: a trade that is delayed again, by another while, is in one candle only', async (t) => {
  const { simulator, first } = await open(t)
  for (const ms of [200_000, 100_000, 45_000]) simulator.faults.late({ symbols: ['BTCUSDT'], ms })
  await simulator.advance(10_000)
  const [late] = simulator.truth.trades('BTCUSDT', first, first)
  const rows = simulator.truth.candles('BTCUSDT', '1m', start - 5 * minute, start)
  const counted = rows.reduce((sum, row) => sum + row[8], 0)
  const earliest = simulator.truth.trades('BTCUSDT').filter(({ time }) => time >= rows[0]![0])
  assert.ok(late && late.time < start)
  assert.equal(counted, earliest.length)
})

test('outage: one within another ends nothing early, and ids go on without a hole', async (t) => {
  const { simulator, first } = await open(t)
  simulator.faults.outage({ ms: 8_000 })
  await simulator.advance(4_000)
  simulator.faults.outage({ ms: 1_000 })
  await simulator.advance(2_000)
  assert.equal(await status(simulator), 503)
  simulator.faults.outage({ ms: 4_000 })
  await simulator.advance(14_000)
  const trades = simulator.truth.trades('BTCUSDT', first)
  assert.deepEqual(
    trades.map(({ id }) => id),
    trades.map((_, index) => first + index),
  )
  assert.ok(trades.every(({ time }) => time > start + 10_000 || time <= start))
})

test('late: the next id carries a time in the past, and REST candles hold it there', async (t) => {
  const { simulator, client, first, received, truth } = await open(t)
  simulator.faults.late({ symbols: ['BTCUSDT'], ms: 45_000 })
  await simulator.advance(10_000)
  await client.settle()
  assert.deepEqual(received(), truth())
  const frame = client.all(TradeFrame).find(({ t }) => t === first)!
  assert.ok(frame.T < start - 30_000)
  const [bar] = simulator.truth.candles('BTCUSDT', '1m', start - 90_000, start - 90_000)
  const inside = simulator.truth.trades('BTCUSDT').filter(({ time }) => time >= bar![0] && time <= bar![6])
  assert.ok(inside.some(({ id }) => id === first))
  assert.equal(bar![8], inside.length)
  assert.equal(bar![4], inside.at(-1)!.price)
})

test('cut: sockets die without a close frame, only those of the symbol', async (t) => {
  const { simulator, client } = await open(t)
  const other = await connect(`${simulator.wsUrl}/ws/ethbtc@kline_1m`)
  simulator.faults.cut({ symbols: ['BTCUSDT'] })
  assert.equal(await client.closed, 1006)
  await other.settle()
  simulator.faults.cut()
  assert.equal(await other.closed, 1006)
})

test('outage: no sockets, REST 503, no trades, a real hole in the bars, ids go on', async (t) => {
  const { simulator, client, truth, first } = await open(t)
  await simulator.advance(10_000)
  simulator.faults.outage({ ms: 5 * minute })
  assert.equal(await client.closed, 1006)
  assert.equal(await status(simulator), 503)
  await assert.rejects(connect(`${simulator.wsUrl}/ws`), /503/)
  const last = simulator.truth.ids('BTCUSDT').last
  await simulator.advance(5 * minute - 1)
  assert.equal(simulator.truth.ids('BTCUSDT').last, last)
  await simulator.advance(1)
  assert.equal(await status(simulator), 200)
  const again = await connect(`${simulator.wsUrl}/ws/btcusdt@trade/btcusdt@kline_1m`)
  await simulator.advance(2 * minute)
  await again.settle()
  assert.deepEqual(again.all(TradeFrame)[0]?.t, last + 1)
  assert.deepEqual(
    truth(),
    Array.from({ length: truth().length }, (_, i) => first + i),
  )
  const rows = simulator.truth.candles('BTCUSDT', '1m', start - 30_000, simulator.now())
  assert.deepEqual(
    rows.map(([at]) => (at - start + 30_000) / minute),
    [0, 5, 6, 7],
  )
  assert.ok(again.all(KlineFrame).some(({ k }) => k.x))
})

test('half: only every second connection suffers', async (t) => {
  const { simulator, client, received, truth } = await open(t)
  const second = await connect(`${simulator.wsUrl}/ws/btcusdt@trade`)
  const ids = () => second.all(TradeFrame).map(({ t }) => t)
  simulator.faults.missing({ count: 2, half: true })
  await simulator.advance(5_000)
  simulator.faults.silence({ ms: 5_000, half: true })
  const heard = truth().slice(2)
  await simulator.advance(4_000)
  await Promise.all([client.settle(), second.settle()])
  assert.deepEqual(received(), truth())
  assert.deepEqual(ids(), heard)
  simulator.faults.cut({ half: true })
  assert.equal(await second.closed, 1006)
  await client.settle()
})

test('restDown, slow, refuseConnect and shutdown, by script and by the control route', async (t) => {
  const { simulator, client } = await open(t, [
    { at: 1_000, kind: 'restDown', ms: 1_000 },
    { at: 3_000, kind: 'refuseConnect', ms: 1_000 },
    { every: 5_000, kind: 'missing', symbols: ['BTCUSDT'], count: 1 },
  ])
  assert.equal(await status(simulator), 200)
  await simulator.advance(1_000)
  assert.equal(await status(simulator), 503)
  assert.equal(await status(simulator, '/sim/state'), 200)
  await simulator.advance(1_000)
  assert.equal(await status(simulator), 200)
  await simulator.advance(1_000)
  await assert.rejects(connect(`${simulator.wsUrl}/ws`), /503/)
  await simulator.advance(1_000)
  await (await connect(`${simulator.wsUrl}/ws`)).settle()
  assert.equal((await post(simulator, { kind: 'nonsense' })).status, 400)
  assert.deepEqual(
    await (
      await post(simulator, [
        { kind: 'slow', ms: 1_000, delayMs: 30 },
        { kind: 'shutdown', ms: 500 },
      ])
    ).json(),
    { applied: 2 },
  )
  const before = performance.now()
  await status(simulator)
  assert.ok(performance.now() - before >= 29)
  await client.settle()
  assert.ok(client.texts.some((text) => text === `{"e":"serverShutdown","E":${start + 4_000}}`))
  await simulator.advance(500)
  assert.equal(await client.closed, 1001)
})

test('the control routes tell the truth', async (t) => {
  const { simulator } = await open(t)
  const get = async (path: string) => (await fetch(simulator.restUrl + path)).json()
  const { last } = simulator.truth.ids('BTCUSDT')
  assert.deepEqual(
    await get(`/sim/truth/trades?symbol=BTCUSDT&from=${last - 4}&to=${last}`),
    simulator.truth.trades('BTCUSDT', last - 4, last),
  )
  assert.deepEqual(
    await get(`/sim/truth/klines?symbol=BTCUSDT&interval=5m`),
    simulator.truth.candles('BTCUSDT', '5m', 0, start),
  )
  assert.equal(await status(simulator, '/sim/truth/klines?symbol=NOPE'), 400)
  assert.equal(await status(simulator, '/sim/truth/klines?symbol=BTCUSDT&interval=9x'), 400)
  assert.equal(await status(simulator, '/sim/other?symbol=BTCUSDT'), 404)
})

test('a script is checked', () => {
  assert.ok(
    Value.Check(FaultScript, [
      { at: 5, kind: 'cut' },
      { every: 9, kind: 'outage', ms: 5 },
    ]),
  )
  assert.ok(!Value.Check(FaultScript, [{ kind: 'cut' }]))
  assert.ok(!Value.Check(FaultScript, [{ at: 5, kind: 'silence' }]))
})

const listed = async (simulator: Simulator): Promise<Record<string, string>> => {
  const response = await fetch(`${simulator.restUrl}/api/v3/exchangeInfo`)
  const { symbols } = Value.Parse(ExchangeInfo, await response.json())
  return Object.fromEntries(symbols.map(({ symbol, status }) => [symbol, status]))
}
const ExchangeInfo = Type.Object({ symbols: Type.Array(Type.Object({ symbol: Type.String(), status: Type.String() })) })

test('halt: one market stands still, says so, and goes on without a hole in its ids', async (t) => {
  const { simulator, client, received, truth } = await open(t)
  await simulator.advance(3_000)
  simulator.faults.halt({ symbols: ['BTCUSDT'], ms: 20_000 })
  await simulator.advance(1)
  const before = simulator.truth.ids('BTCUSDT').last
  const other = simulator.truth.ids('ETHBTC').last
  assert.deepEqual(await listed(simulator), { BTCUSDT: 'HALT', ETHBTC: 'TRADING' })
  await simulator.advance(19_000)
  assert.equal(simulator.truth.ids('BTCUSDT').last, before)
  assert.ok(simulator.truth.ids('ETHBTC').last > other)
  await simulator.advance(5_000)
  assert.deepEqual(await listed(simulator), { BTCUSDT: 'TRADING', ETHBTC: 'TRADING' })
  await client.settle()
  assert.ok(simulator.truth.ids('BTCUSDT').last > before)
  assert.deepEqual(received(), truth())
})

test('delist and list: a market goes for good, a new one trades from then on', async (t) => {
  const { simulator } = await open(t)
  await simulator.advance(5_000)
  simulator.faults.delist({ symbols: ['BTCUSDT'] })
  simulator.faults.list({ symbols: ['NEWUSDT'], tradesPerSecond: 5 })
  const last = simulator.truth.ids('BTCUSDT').last
  const client = await connect(`${simulator.wsUrl}/ws/newusdt@trade`)
  await simulator.advance(10_000)
  await client.settle()
  assert.deepEqual(await listed(simulator), { ETHBTC: 'TRADING', NEWUSDT: 'TRADING' })
  assert.equal(simulator.truth.ids('BTCUSDT').last, last, 'its past stays, and is all there is')
  assert.equal(await status(simulator, '/api/v3/trades?symbol=BTCUSDT'), 400)
  const came = client.all(TradeFrame).map(({ t: id }) => id)
  const all = simulator.truth.trades('NEWUSDT').map(({ id }) => id)
  assert.ok(came.length > 10)
  assert.deepEqual(came, all.slice(-came.length))
})
