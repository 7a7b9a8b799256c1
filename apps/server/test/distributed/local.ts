import { once } from 'node:events'
import { createServer } from 'node:net'
import { isRole, readServices } from './compose.ts'

/** Where the services are that compose.yaml names by their host names. */
export interface Places {
  /** host:port */
  readonly kafka: string
  readonly timescale: string
  /** None: only TimescaleDB's is written. */
  readonly database?: string
  readonly redis: { readonly host: string; readonly port: number }
  readonly rabbitmq: string
  readonly exchange: { readonly restUrl: string; readonly wsUrl: string }
  readonly symbols: readonly string[]
  /** A folder for what each process keeps. */
  readonly data: string
}

/** A service of compose.yaml as a process of this machine. */
export interface LocalProcess {
  readonly name: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Its ports here by their numbers in compose.yaml. */
  readonly ports: ReadonlyMap<number, number>
}

/** How each port of a role is chosen, and what it is in its container. */
const PORTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  collector: { PROMETHEUS_PORT: 8000 },
  processor: { PROMETHEUS_PORT: 8001 },
  realtime: { WEBSOCKET_PORT: 8080, PROMETHEUS_PORT: 8002 },
  historical: { PROMETHEUS_PORT: 8003 },
  gateway: { GATEWAY_PORT: 5010 },
  dispatcher: { DISPATCHER_PORT: 5004 },
  'crypto-microservice': { WEBSOCKET_PORT: 8080, PORT: 8000, PROMETHEUS_PORT: 8001 },
}

/**
 * Every role of compose.yaml, with the command and the variables that it has there; only addresses, ports and folders
 * are those of this machine, where all share one host. `variables` go before those of the file.
 */
export async function localProcesses(
  places: Places,
  variables: Readonly<Record<string, string>> = {},
): Promise<LocalProcess[]> {
  const services = await readServices({ SYMBOLS: places.symbols.join(','), ...addressesOf(places) })
  const processes: LocalProcess[] = []
  for (const [name, service] of Object.entries(services)) {
    if (!isRole(service)) continue
    const own = PORTS[name] ?? {}
    const free = await freePorts(Object.keys(own).length)
    const chosen = Object.entries(own).map(([variable, inside], index) => ({ variable, inside, port: free[index]! }))
    const ports = Object.fromEntries(chosen.map(({ variable, port }) => [variable, String(port)]))
    const data = `${places.data}/${name}`
    const log: Record<string, string> = service.environment?.LOG_FILE ? { LOG_FILE: `${data}/dispatcher.log` } : {}
    processes.push({
      name,
      args: service.command ?? [],
      env: {
        ...service.environment,
        ...hostsOf(places),
        HOST: '127.0.0.1',
        CANDLEWIRE_DATA: data,
        ...log,
        ...ports,
        ...variables,
      },
      ports: new Map(chosen.map(({ inside, port }) => [inside, port])),
    })
  }
  return processes
}

const addressesOf = ({ exchange }: Places) => ({ BINANCE_REST_URL: exchange.restUrl, BINANCE_WS_URL: exchange.wsUrl })

function hostsOf({ kafka, timescale, database = '', redis, rabbitmq }: Places): Record<string, string> {
  const series = new URL(timescale)
  return {
    KAFKA_BOOTSTRAP_SERVERS: kafka,
    TIMESCALE_HOST: series.hostname,
    TIMESCALE_PORT: series.port || '5432',
    TIMESCALE_DB: series.pathname.slice(1),
    TIMESCALE_USER: decodeURIComponent(series.username),
    TIMESCALE_PASSWORD: decodeURIComponent(series.password),
    DATABASE_URL: database,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    RABBITMQ_URL: rabbitmq,
  }
}

/** Ports that nobody uses at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => server.listening || once(server, 'listening')))
  const ports = servers.map((server) => Number(Object(server.address()).port))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
