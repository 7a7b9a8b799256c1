import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig, variableRows } from '../src/config.ts'

test('without any variable there is a whole configuration', () => {
  const config = loadConfig({}, {})
  assert.deepEqual(config.symbols, ['BTCUSDT', 'ETHUSDT'])
  assert.equal(config.WEBSOCKET_PORT, 8080)
  assert.equal(config.timeframes.length, 17)
})

test('flags go before the environment, and an empty variable counts as not set', () => {
  const config = loadConfig({ SYMBOLS: 'SOLUSDT, SOLUSDT' }, { SYMBOLS: 'BTCUSDT', WEBSOCKET_PORT: '9000', HOST: '' })
  assert.deepEqual(config.symbols, ['SOLUSDT'])
  assert.equal(config.WEBSOCKET_PORT, 9000)
  assert.equal(config.HOST, '0.0.0.0')
})

test('Redis is used when its host is named', () => {
  assert.equal(loadConfig({}, {}).redisUrl, undefined)
  assert.equal(loadConfig({}, { REDIS_HOST: 'cache' }).redisUrl, 'redis://cache:6379')
  const guarded = { REDIS_HOST: 'cache', REDIS_PORT: '7000', REDIS_PASSWORD: 'a:b/c' }
  assert.equal(loadConfig({}, guarded).redisUrl, 'redis://:a%3Ab%2Fc@cache:7000')
})

for (const [name, value] of [
  ['WEBSOCKET_PORT', '70000'],
  ['WEBSOCKET_PORT', 'eighty'],
  ['GAP_LOOKBACK_HOURS', '0'],
  ['TIMEFRAMES', '1m,7m'],
  ['TIMEFRAMES', ','],
  ['EXCHANGE_RATE_LIMITS', '{"binance": -1}'],
  ['EXCHANGE_RATE_LIMITS', '{'],
  ['LOG_LEVEL', 'loud'],
  ['WS_COMPRESSION', 'maybe'],
  ['RABBITMQ_URL', 'http://localhost'],
] as const) {
  test(`${name}=${value} stops the start with a sentence that names the variable`, () => {
    assert.throws(() => loadConfig({}, { [name]: value }), {
      code: 'INVALID_SETTING',
      message: new RegExp(`^${name}: `),
    })
  })
}

test('every variable is described', () => {
  for (const row of variableRows()) assert.ok(row.description.length > 5, row.name)
})

test('a flag that is not given leaves its variable alone', () => {
  const config = loadConfig({ HOST: undefined, WEBSOCKET_PORT: '7' }, { HOST: '127.0.0.1', WEBSOCKET_PORT: '8' })
  assert.equal(config.HOST, '127.0.0.1')
  assert.equal(config.WEBSOCKET_PORT, 7)
})
