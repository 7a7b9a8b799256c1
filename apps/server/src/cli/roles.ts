import type { Config } from '../config.ts'
import { failure } from '../lib/failure.ts'

/** A piece of work that a process does. */
export type Part =
  | 'collect'
  | 'backfill'
  | 'reconcile'
  | 'aggregate'
  | 'record'
  | 'newest'
  | 'events'
  | 'dispatch'
  | 'api'

export interface Role {
  readonly about: string
  readonly parts: readonly Part[]
  /** Where it listens, the main address first. */
  readonly ports: (config: Config) => readonly number[]
}

/** From the exchange's socket to the store. */
const ENGINE: readonly Part[] = ['collect', 'aggregate', 'record', 'newest', 'backfill', 'reconcile']
/** What the engine leaves to processes beside it where `COLLECT` is false. */
const ELSEWHERE: ReadonlySet<Part> = new Set(['collect', 'aggregate', 'record', 'newest'])

/** Every role: a command of its own, and a name for `ROLES`. */
export const roles = {
  all: {
    about: 'everything in one process',
    parts: [...ENGINE, 'events', 'dispatch', 'api'],
    ports: (config) => [config.WEBSOCKET_PORT],
  },
  collector: {
    about: 'trades, tickers and books of an exchange into Kafka',
    parts: ['collect'],
    ports: (config) => [config.prometheusPorts.collector],
  },
  processor: {
    about: 'trades of Kafka to candles of every timeframe, into Kafka',
    parts: ['aggregate'],
    ports: (config) => [config.prometheusPorts.processor],
  },
  realtime: {
    about: 'candles and trades of Kafka to WebSocket clients',
    parts: ['api'],
    ports: (config) => [config.WEBSOCKET_PORT, config.prometheusPorts.realtime],
  },
  historical: {
    about: 'trades and candles of Kafka into the database',
    parts: ['record', 'newest'],
    ports: (config) => [config.prometheusPorts.historical],
  },
  gateway: {
    about: 'the way in: collects, builds candles, finds and fills holes',
    parts: ENGINE,
    ports: (config) => [config.GATEWAY_PORT],
  },
  dispatcher: {
    about: 'topics of Kafka to the Redis channels of the same names',
    parts: ['dispatch'],
    ports: (config) => [config.DISPATCHER_PORT],
  },
  scheduler: {
    about: 'finds what is missing of history, and fetches it within the limits of the exchange',
    parts: ['backfill', 'reconcile'],
    ports: (config) => [config.PORT],
  },
  api: {
    about: 'REST, WebSocket and the page, over the database and Kafka',
    parts: ['api'],
    ports: (config) => [config.WEBSOCKET_PORT],
  },
  'crypto-microservice': {
    about: 'one service for other applications: REST, WebSocket and events in RabbitMQ',
    parts: [...ENGINE, 'events', 'api'],
    ports: (config) => [config.WEBSOCKET_PORT, config.PORT, config.prometheusPorts.processor],
  },
} as const satisfies Record<string, Role>

export type RoleName = keyof typeof roles

export const isRole = (name: string): name is RoleName => Object.hasOwn(roles, name)

export const portsOf = (name: RoleName, config: Config): readonly number[] => roles[name].ports(config)

export const roleNames = Object.keys(roles).filter(isRole)

/** What one process runs, and where it listens. */
export interface Assignment {
  /** The roles, as `/health` and the log name them. */
  readonly service: string
  readonly parts: ReadonlySet<Part>
  /** The main address first; each once. */
  readonly ports: readonly number[]
}

/**
 * What a process with these settings runs. `compatPorts`: listens on the ports of all roles.
 * Throws `INVALID_SETTING` for a role that does not exist, and where a role lacks a service that it can't do without.
 */
export function assign(config: Config, compatPorts = false): Assignment {
  const names = config.roles.map(known)
  const service = names.join(',')
  const wanted = new Set<Part>(names.flatMap((name) => partsOf(name, config)))
  if (names.includes('all') && (!config.kafka || !config.redisUrl)) wanted.delete('dispatch')
  requireServices(service, wanted, config)
  const opened = compatPorts ? [...names, ...roleNames] : names
  const ports = new Set(opened.flatMap((name) => portsOf(name, config)))
  return { service, parts: wanted, ports: [...ports] }
}

function known(name: string): RoleName {
  if (isRole(name)) return name
  throw failure('INVALID_SETTING', { name: 'ROLES', reason: `there is no role ${name}, only ${roleNames.join(', ')}` })
}

function partsOf(name: RoleName, config: Config): Part[] {
  const shares = name === 'gateway' || name === 'crypto-microservice'
  const leaves = shares && !config.COLLECT
  const parts = roles[name].parts.filter((part) => !leaves || !ELSEWHERE.has(part))
  // The gateway beside it does that.
  return leaves && name === 'crypto-microservice' ? parts.filter((part) => part === 'api' || part === 'events') : parts
}

/** Parts that hold nothing but what they read from Kafka and write to Redis. */
const WITHOUT_STORE: ReadonlySet<Part> = new Set(['dispatch', 'newest', 'events'])

function requireServices(service: string, parts: ReadonlySet<Part>, config: Config): void {
  const has = (...wanted: Part[]) => wanted.every((part) => parts.has(part))
  if (!config.kafka && !has('collect', 'aggregate', 'record', 'api'))
    throw lacking('KAFKA_BOOTSTRAP_SERVERS', `${service} meets the other roles in Kafka: name its brokers, host:port`)
  if (has('dispatch') && !config.redisUrl)
    throw lacking('REDIS_HOST', `${service} publishes on Redis channels: name the host`)
  const storing = [...parts].some((part) => !WITHOUT_STORE.has(part))
  if (storing && !has('collect', 'aggregate', 'record') && config.databases.length === 0)
    throw lacking(
      'TIMESCALE_HOST',
      `${service} shares a database with the other roles: name its host, or set DATABASE_URL`,
    )
}

const lacking = (name: string, reason: string) => failure('INVALID_SETTING', { name, reason })
