import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { type DatabaseAddress, readDatabases } from './databases.ts'
import { isTimeframe } from './domain/timeframe.ts'
import { failure } from './lib/failure.ts'

const text = (fallback: string, description: string) => Type.String({ default: fallback, description })
const optional = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
const count = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description })
const choice = <T extends string>(fallback: T, values: readonly T[]) =>
  Type.Enum([...values], { default: fallback, description: values.join(', ') })
const flag = (fallback: boolean, description: string) => Type.Boolean({ default: fallback, description })

/** Every variable, its default and its bounds. */
const Variables = Type.Object({
  ROLES: text('all', 'what `start` runs, comma separated: all, or names of roles (see the commands)'),
  COLLECT: flag(
    true,
    'whether gateway and crypto-microservice collect, build and store themselves; false where collector, processor and historical run beside them',
  ),
  EXCHANGES: text('binance', 'exchanges to collect, comma separated'),
  PRIMARY_EXCHANGE: text('binance', 'the exchange of routes and messages that name none'),
  SYMBOLS: text('BTCUSDT,ETHUSDT', 'markets, comma separated; * is every market that trades'),
  TIMEFRAMES: text(
    '1s,5s,1m,3m,5m,15m,30m,1h,2h,4h,6h,8h,12h,1d,3d,1w,1M',
    'candles to keep, comma separated; custom ones such as 45m too',
  ),
  INTERVAL: optional('candles that are kept whatever TIMEFRAMES says, comma separated'),
  CANDLEWIRE_DATA: text('./data', 'folder of the embedded store'),
  STORE_SYNCHRONOUS: Type.Union([Type.Literal('NORMAL'), Type.Literal('FULL')], {
    default: 'NORMAL',
    description: 'FULL syncs each commit to the disk, NORMAL each checkpoint',
  }),
  TIMESCALE_HOST: optional('host of the PostgreSQL (TimescaleDB where it has it) that keeps all series'),
  TIMESCALE_PORT: count(5432, 1, 65_535, 'its port'),
  TIMESCALE_DB: text('cryptobot', 'its database'),
  TIMESCALE_USER: text('postgres', 'its user'),
  TIMESCALE_PASSWORD: text('password', "its user's password"),
  DATABASE_URL: optional(
    'postgres:// or mysql:// address of a database that keeps all series; with TIMESCALE_HOST too, both are written',
  ),
  TRADE_RETENTION_HOURS: count(72, 1, 87_600, 'how long trades are kept; never less than to the end of their UTC day'),
  REVISION_RETENTION_DAYS: count(
    365,
    1,
    36_500,
    'how long old revisions of candles are kept: as far back reaches as_of',
  ),
  JOB_RETENTION_DAYS: count(90, 1, 36_500, 'how long backfill jobs that are over are kept'),
  HOST: text('0.0.0.0', 'address to listen on'),
  WEBSOCKET_PORT: count(8080, 0, 65_535, 'port of REST, WebSocket and dashboard; 0 takes a free one'),
  PORT: count(8000, 0, 65_535, 'second port of crypto-microservice, for its REST; port of the scheduler'),
  GATEWAY_PORT: count(5010, 0, 65_535, 'port of the gateway'),
  DISPATCHER_PORT: count(5004, 0, 65_535, 'port of the dispatcher'),
  PROMETHEUS_PORT: text(
    '8000-8003',
    'ports of collector, processor, realtime and historical, in this order; a single number is the port of whichever runs',
  ),
  WEBSOCKET_MAX_CONNECTIONS: count(10_000, 1, 1_000_000, 'WebSocket clients at once'),
  WS_CLIENT_MESSAGES_PER_SECOND: count(20, 1, 10_000, 'messages a WebSocket client may send'),
  WS_COMPRESSION: flag(true, 'permessage-deflate for clients that offer it'),
  CORS_ORIGINS: text('*', 'origins that may read, comma separated'),
  GAP_LOOKBACK_HOURS: count(24, 1, 8760, 'how far back history is checked and filled at start'),
  GAP_SCAN_SECONDS: count(300, 10, 86_400, 'pause between checks for holes'),
  ALLOWED_LATENESS_MS: count(2000, 0, 60_000, 'how long after its end a candle waits for late trades'),
  FORMING_MS: count(250, 50, 60_000, 'shortest pause between two updates of a forming candle'),
  BUS_CAPACITY: count(10_000, 1, 10_000_000, 'events that may wait for one reader of the bus'),
  HOT_HOT: flag(false, 'two connections for each stream, merged by trade id: one that dies changes nothing'),
  MARKETS_REFRESH_SECONDS: count(300, 5, 86_400, 'pause between looks at the exchange’s list of markets'),
  RECONCILE: flag(true, "compare closed candles with the exchange's own, and repair them"),
  EXCHANGE_RATE_LIMITS: text(
    '{}',
    'JSON, requests (or weight) a minute by exchange; default is what the exchange allows',
  ),
  BINANCE_API_KEY: optional('accepted and never sent: public data needs no key'),
  BINANCE_SECRET_KEY: optional('accepted and never sent: public data needs no key'),
  BINANCE_REST_URL: optional('REST address of Binance'),
  BINANCE_WS_URL: optional('WebSocket address of Binance'),
  REDIS_HOST: optional('Redis, for what several processes share; without it each is alone'),
  REDIS_PORT: count(6379, 1, 65_535, 'port of Redis'),
  REDIS_PASSWORD: optional('password of Redis'),
  REDIS_CHANNEL_PREFIX: text('', 'put before the name of every Redis channel'),
  CACHE_TTL_TICKER: count(5, 1, 86_400, 'how long a ticker in Redis is good for, seconds'),
  CACHE_TTL_ORDERBOOK: count(1, 1, 86_400, 'how long an order book in Redis is good for, seconds'),
  CACHE_TTL_KLINES: count(10, 1, 86_400, 'how long candles that were read from the store are good for, seconds'),
  RABBITMQ_URL: Type.Optional(
    Type.String({ pattern: '^amqps?://', description: 'RabbitMQ, for events to other applications; amqp://…' }),
  ),
  RABBITMQ_EXCHANGE: text('crypto', 'the topic exchange of those events'),
  RABBITMQ_ORDERBOOK_INTERVAL_MS: count(1000, 50, 3_600_000, 'shortest pause between two events of an order book'),
  LOG_FILE: optional('file that gets the log too; rotated at 10 MiB'),
  KAFKA_BOOTSTRAP_SERVERS: optional('brokers of the event log, host:port, comma separated; it lives in memory without'),
  KAFKA_BROKER: optional('the same; KAFKA_BOOTSTRAP_SERVERS goes before it'),
  KAFKA_GROUP_ID: text('dispatcher', 'consumer group of the dispatcher'),
  KAFKA_TOPICS: text(
    'raw,ohlcv,aggregated,trades,indicators,news',
    'families of public topics to write, comma separated; a lone - writes none',
  ),
  KAFKA_PER_SYMBOL_TOPICS: flag(false, 'also market.data.{symbol} and market.data.{symbol}.{timeframe}'),
  KAFKA_TOPIC_PREFIX: text('candlewire.', 'before the names of our own topics and groups'),
  KAFKA_PARTITIONS: count(12, 1, 1000, 'partitions of our own topics'),
  KAFKA_RETENTION_HOURS: count(24, 1, 8760, 'how long our own topics keep events'),
  KAFKA_OUTBOX_MB: count(256, 1, 1_000_000, 'disk for events that the broker does not take yet'),
  KAFKA_SECURITY_PROTOCOL: choice('PLAINTEXT', ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']),
  KAFKA_SASL_MECHANISM: choice('PLAIN', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
  KAFKA_SASL_USERNAME: optional('user towards Kafka'),
  KAFKA_SASL_PASSWORD: optional('password of that user'),
  KAFKA_SSL_CA_FILE: optional('PEM file of the authority that signed the brokers’ certificates'),
  LOG_LEVEL: Type.Union(
    (['debug', 'info', 'warn', 'error', 'silent'] as const).map((level) => Type.Literal(level)),
    { default: 'info', description: 'debug, info, warn, error or silent' },
  ),
  DEBUG: flag(false, 'same as LOG_LEVEL=debug'),
})

export type Variables = Static<typeof Variables>

/** The configuration in our own terms. */
export interface Config extends Readonly<Variables> {
  readonly exchanges: readonly string[]
  readonly symbols: readonly string[]
  readonly timeframes: readonly string[]
  readonly corsOrigins: readonly string[]
  /** Names as `ROLES` has them. */
  readonly roles: readonly string[]
  readonly prometheusPorts: PrometheusPorts
  /** Cost a minute by exchange, where the user set one. */
  readonly rateLimits: Readonly<Record<string, number>>
  /** Addresses by exchange, where the user set one. */
  readonly urls: Readonly<Record<string, { rest?: string; ws?: string }>>
  /** The databases that hold everything, the one to read from first; none: the embedded store does. */
  readonly databases: readonly DatabaseAddress[]
  /** Where Redis is, if there is one. */
  readonly redisUrl: string | undefined
  readonly logLevel: string
  /** The event log's brokers; none when it lives in memory. */
  readonly kafka: KafkaConfig | undefined
}

/** The ports of `PROMETHEUS_PORT` by role. */
export interface PrometheusPorts {
  readonly collector: number
  readonly processor: number
  readonly realtime: number
  readonly historical: number
}

export interface KafkaConfig {
  readonly brokers: readonly string[]
  readonly families: readonly string[]
  readonly credentials?: { readonly mechanism: Variables['KAFKA_SASL_MECHANISM']; username: string; password: string }
  readonly tls?: { readonly caFile?: string }
}

const list = (value: string): string[] => [...new Set(value.split(',').map((item) => item.trim()))].filter(Boolean)

const RateLimits = Type.Record(Type.String(), Type.Integer({ minimum: 1 }))

/**
 * Reads the environment once, with `overrides` (command-line flags) before it and `defaults` behind it.
 * Throws `INVALID_SETTING` with one sentence that names the variable.
 */
export function loadConfig(
  overrides: Partial<Record<keyof Variables, string>> = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
  defaults: Partial<Record<keyof Variables, string>> = {},
): Config {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined)
  const source = { ...defaults, ...env, ...Object.fromEntries(given) }
  refuseUnbuilt(source)
  const variables = readVariables(source)
  const kept = [
    readTimeframes(variables, 'TIMEFRAMES'),
    variables.INTERVAL ? readTimeframes(variables, 'INTERVAL') : [],
  ]
  const timeframes = [...new Set(kept.flat())]
  if (list(variables.SYMBOLS).length === 0)
    throw failure('INVALID_SETTING', { name: 'SYMBOLS', reason: 'name at least one market, or * for all' })
  return Object.freeze({
    ...variables,
    exchanges: list(variables.EXCHANGES),
    symbols: list(variables.SYMBOLS),
    timeframes,
    corsOrigins: list(variables.CORS_ORIGINS),
    roles: list(variables.ROLES),
    prometheusPorts: readPorts(variables.PROMETHEUS_PORT),
    rateLimits: readRateLimits(variables.EXCHANGE_RATE_LIMITS),
    urls: { binance: { rest: variables.BINANCE_REST_URL, ws: variables.BINANCE_WS_URL } },
    databases: readDatabases(variables),
    redisUrl: redisUrl(variables),
    logLevel: variables.DEBUG ? 'debug' : variables.LOG_LEVEL,
    kafka: readKafka(variables),
  })
}

/** Variables of what is not built yet, with the values that ask for nothing. To pass over the others would be a lie. */
const UNBUILT: Readonly<Record<string, readonly string[]>> = {
  AUTH_ENABLED: ['false'],
  AUTH_TOKENS: [],
  CLIENT_RATE_LIMIT: ['0'],
  NEWS_SOURCES: [],
  ALERT_SLACK_WEBHOOK: [],
  ALERT_SMTP_URL: [],
  ALERT_EMAIL_TO: [],
}

function refuseUnbuilt(source: Readonly<Record<string, string | undefined>>): void {
  for (const [name, harmless] of Object.entries(UNBUILT)) {
    const value = source[name] ?? ''
    if (value !== '' && !harmless.includes(value))
      throw failure('INVALID_SETTING', { name, reason: 'this version has nothing that would heed it' })
  }
}

function readTimeframes(variables: Variables, name: 'TIMEFRAMES' | 'INTERVAL'): string[] {
  const timeframes = list(variables[name] ?? '')
  const wrong = timeframes.find((code) => !isTimeframe(code))
  if (wrong !== undefined || timeframes.length === 0)
    throw failure('INVALID_SETTING', { name, reason: `there is no timeframe ${JSON.stringify(wrong ?? '')}` })
  return timeframes
}

const LAST_PORT = 65_535

/** Four ports from `8000-8003`, or four times the same from a single number. */
function readPorts(text: string): PrometheusPorts {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim()) ?? []
  const from = Number(first)
  const step = first === last ? 0 : 1
  if (first === undefined || from > LAST_PORT - 3 || (step === 1 && Number(last) !== from + 3))
    throw failure('INVALID_SETTING', {
      name: 'PROMETHEUS_PORT',
      reason: 'one port, or four in a row as in 8000-8003',
    })
  return { collector: from, processor: from + step, realtime: from + 2 * step, historical: from + 3 * step }
}

function redisUrl({ REDIS_HOST, REDIS_PORT, REDIS_PASSWORD }: Variables): string | undefined {
  if (REDIS_HOST === undefined) return undefined
  const credentials = REDIS_PASSWORD === undefined ? '' : `:${encodeURIComponent(REDIS_PASSWORD)}@`
  return `redis://${credentials}${REDIS_HOST}:${REDIS_PORT}`
}

function readVariables(source: Readonly<Record<string, string | undefined>>): Variables {
  const given = Object.keys(Variables.properties).filter((name) => (source[name] ?? '') !== '')
  const raw = Object.fromEntries(given.map((name) => [name, source[name]]))
  const value = Value.Convert(Variables, Value.Default(Variables, raw))
  if (Value.Check(Variables, value)) return value
  const [error] = Value.Errors(Variables, value)
  const name = error?.instancePath.split('/')[1] || 'configuration'
  throw failure('INVALID_SETTING', { name, reason: error?.message ?? 'not valid' })
}

function readRateLimits(json: string): Record<string, number> {
  try {
    return Value.Parse(RateLimits, JSON.parse(json))
  } catch (error) {
    throw failure(
      'INVALID_SETTING',
      { name: 'EXCHANGE_RATE_LIMITS', reason: 'not a JSON object of whole numbers' },
      error,
    )
  }
}

function readKafka(variables: Variables): KafkaConfig | undefined {
  const brokers = list(variables.KAFKA_BOOTSTRAP_SERVERS ?? variables.KAFKA_BROKER ?? '')
  if (brokers.length === 0) return undefined
  const { KAFKA_SECURITY_PROTOCOL: protocol, KAFKA_SASL_MECHANISM: mechanism, KAFKA_SSL_CA_FILE: caFile } = variables
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = variables
  const sasl = protocol.startsWith('SASL_')
  if (sasl && (!username || !password)) {
    const name = username ? 'KAFKA_SASL_PASSWORD' : 'KAFKA_SASL_USERNAME'
    throw failure('INVALID_SETTING', { name, reason: `KAFKA_SECURITY_PROTOCOL=${protocol} needs it` })
  }
  return {
    brokers,
    families: list(variables.KAFKA_TOPICS).filter((family) => family !== '-'),
    ...(sasl && username && password && { credentials: { mechanism, username, password } }),
    ...(protocol.endsWith('SSL') && { tls: caFile ? { caFile } : {} }),
  }
}

/** Rows for the help: name, default, description. */
export const variableRows = (): { name: string; fallback: string; description: string }[] =>
  Object.entries(Variables.properties).map(([name, schema]) => ({
    name,
    fallback: 'default' in schema ? String(schema.default) : '',
    description: 'description' in schema ? String(schema.description) : '',
  }))
