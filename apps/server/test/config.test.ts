import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { loadConfig, variableRows } from '../src/config.ts'
import { configurationPage, PAGE } from './configurationPage.ts'

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
  ['DATABASE_URL', 'sqlite:///secret.db'],
  ['DATABASE_URL', 'postgres://'],
  ['DATABASE_URL', 'secret'],
  ['TIMESCALE_HOST', 'no host'],
  ['TIMESCALE_PORT', 'many'],
  ['RABBITMQ_URL', 'http://localhost'],
  ['INTERVAL', '7m'],
  ['PORT', '-1'],
  ['GATEWAY_PORT', 'gate'],
  ['DISPATCHER_PORT', '65536'],
  ['PROMETHEUS_PORT', '8000-8002'],
  ['PROMETHEUS_PORT', '65535-65538'],
  ['PROMETHEUS_PORT', 'many'],
  ['COLLECT', 'sometimes'],
  ['CACHE_TTL_KLINES', '0'],
  ['AUTH_ENABLED', 'true'],
  ['CLIENT_RATE_LIMIT', '60'],
  ['ALERT_SLACK_WEBHOOK', 'https://hooks'],
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

test('without a database the embedded store holds everything', () => {
  assert.deepEqual(loadConfig({}, { TIMESCALE_PORT: '1' }).databases, [])
})

for (const [given, expected] of [
  ['mysql+aiomysql://user:pass@localhost:3306/crypto_db', 'mysql://user:pass@localhost:3306/crypto_db'],
  ['mariadb://localhost/crypto_db', 'mysql://localhost/crypto_db'],
  ['postgresql+asyncpg://u:p%2F@db/name?sslmode=require', 'postgres://u:p%2F@db/name?sslmode=require'],
  ['postgres://db/name', 'postgres://db/name'],
] as const) {
  test(`DATABASE_URL=${given} is read as ${expected}`, () => {
    const { databases } = loadConfig({}, { DATABASE_URL: given })
    assert.deepEqual(databases, [{ kind: expected.slice(0, expected.indexOf(':')), url: expected }])
  })
}

test('TimescaleDB goes before DATABASE_URL, and the same database is not written twice', () => {
  const env = { TIMESCALE_HOST: '::1', TIMESCALE_PASSWORD: 'a/b:c%', TIMESCALE_DB: 'x y' }
  const series = { kind: 'postgres', url: 'postgres://postgres:a%2Fb%3Ac%25@[::1]:5432/x%20y' }
  const other = { kind: 'mysql', url: 'mysql://db/x' }
  assert.deepEqual(loadConfig({}, env).databases, [series])
  assert.deepEqual(loadConfig({}, { ...env, DATABASE_URL: 'mysql://db/x' }).databases, [series, other])
  assert.deepEqual(loadConfig({}, { ...env, DATABASE_URL: 'postgres://me@[::1]/x%20y' }).databases, [series])
})

test('no complaint repeats an address, which may hold a password', () => {
  assert.throws(
    () => loadConfig({}, { DATABASE_URL: 'mssql://me:secret@db/x' }),
    (error: Error) => !JSON.stringify([error.message, error]).includes('secret'),
  )
})

test('what INTERVAL names is kept too, and defaults give way to the environment', () => {
  const config = loadConfig({}, { TIMEFRAMES: '5m', INTERVAL: '1m,5m', LOG_FILE: '' }, { LOG_FILE: 'x', HOST: 'h' })
  assert.deepEqual(config.timeframes, ['5m', '1m'])
  assert.equal(config.LOG_FILE, undefined)
  assert.equal(config.HOST, 'h')
})

test('what asks for nothing that is missing is no mistake', () => {
  assert.doesNotThrow(() => loadConfig({}, { AUTH_ENABLED: 'false', CLIENT_RATE_LIMIT: '0', AUTH_TOKENS: '' }))
})

/** As the source systems write them. */
const NAMED = `BINANCE_API_KEY BINANCE_SECRET_KEY SYMBOLS INTERVAL KAFKA_BROKER KAFKA_BOOTSTRAP_SERVERS KAFKA_GROUP_ID
LOG_LEVEL DEBUG HOST PORT DATABASE_URL REDIS_HOST REDIS_PORT RABBITMQ_URL EXCHANGE_RATE_LIMITS WEBSOCKET_MAX_CONNECTIONS
WEBSOCKET_PORT CACHE_TTL_TICKER CACHE_TTL_ORDERBOOK CACHE_TTL_KLINES TIMESCALE_HOST TIMESCALE_PORT TIMESCALE_DB
TIMESCALE_USER TIMESCALE_PASSWORD PROMETHEUS_PORT ROLES PRIMARY_EXCHANGE EXCHANGES TIMEFRAMES GAP_LOOKBACK_HOURS
GAP_SCAN_SECONDS ALLOWED_LATENESS_MS CORS_ORIGINS WS_CLIENT_MESSAGES_PER_SECOND WS_COMPRESSION LOG_FILE
REDIS_CHANNEL_PREFIX KAFKA_PER_SYMBOL_TOPICS RABBITMQ_EXCHANGE RABBITMQ_ORDERBOOK_INTERVAL_MS GATEWAY_PORT
DISPATCHER_PORT BINANCE_REST_URL BINANCE_WS_URL`.split(/\s+/)

test('every variable of the source systems is known', () => {
  const known = new Set(variableRows().map(({ name }) => name))
  assert.deepEqual(
    NAMED.filter((name) => !known.has(name)),
    [],
  )
})

test('the page of variables says what the schema says', async () => {
  assert.equal(await readFile(PAGE, 'utf8'), configurationPage(), 'run npm run docs')
})
