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
] as const) {
  test(`${name}=${value} stops the start with a sentence that names the variable`, () => {
    assert.throws(() => loadConfig({}, { [name]: value }), {
      code: 'INVALID_SETTING',
      message: new RegExp(`^${name}: `),
    })
  })
}

test('Kafka: an alias, credentials and TLS only where the protocol asks for them', () => {
  assert.equal(loadConfig({}, {}).kafka, undefined)
  assert.deepEqual(loadConfig({}, { KAFKA_BROKER: 'a:1', KAFKA_BOOTSTRAP_SERVERS: 'b:2, c:3' }).kafka?.brokers, [
    'b:2',
    'c:3',
  ])
  const user = { KAFKA_BROKER: 'a:1', KAFKA_SASL_USERNAME: 'candle', KAFKA_SASL_PASSWORD: 'wire' }
  assert.deepEqual(loadConfig({}, { ...user, KAFKA_TOPICS: '-' }).kafka, { brokers: ['a:1'], families: [] })
  const secure = {
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_SSL_CA_FILE: 'ca.pem',
  }
  const { credentials, tls } = loadConfig({}, { ...user, ...secure }).kafka ?? {}
  assert.deepEqual(credentials, { mechanism: 'SCRAM-SHA-512', username: 'candle', password: 'wire' })
  assert.deepEqual(tls, { caFile: 'ca.pem' })
  assert.throws(() => loadConfig({}, { ...user, ...secure, KAFKA_SASL_PASSWORD: '' }), {
    code: 'INVALID_SETTING',
    message: /^KAFKA_SASL_PASSWORD: /,
  })
})

test('every variable is described', () => {
  for (const row of variableRows()) assert.ok(row.description.length > 5, row.name)
})

test('a flag that is not given leaves its variable alone', () => {
  const config = loadConfig({ HOST: undefined, WEBSOCKET_PORT: '7' }, { HOST: '127.0.0.1', WEBSOCKET_PORT: '8' })
  assert.equal(config.HOST, '127.0.0.1')
  assert.equal(config.WEBSOCKET_PORT, 7)
})
