import type { Command } from 'commander'
import { loadConfig, type Variables, variableRows } from '../config.ts'
import { createLog, type Logger } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { dashboardDir } from './page.ts'
import { assign, type RoleName, roleNames, roles } from './roles.ts'
import { serve } from './serve.ts'
import { createTicker } from './ticker.ts'

interface StartOptions {
  readonly exchange?: string
  readonly symbols?: string
  readonly timeframes?: string
  readonly port?: string
  readonly host?: string
  readonly data?: string
  readonly compatPorts?: boolean
}

const HELP = `
Examples
  candlewire start --exchange binance --symbols BTCUSDT,ETHUSDT
  candlewire start --symbols '*' --timeframes 1m,5m,1h
  BINANCE_REST_URL=http://localhost:9001 BINANCE_WS_URL=ws://localhost:9001 candlewire start

Variables (a flag goes before its variable)
${variableRows()
  .map(({ name, fallback, description }) => `  ${name.padEnd(30)} ${description}${fallback ? ` (${fallback})` : ''}`)
  .join('\n')}
`

const ROLE_HELP = `
Example
  KAFKA_BOOTSTRAP_SERVERS=localhost:9092 TIMESCALE_HOST=localhost candlewire collector --exchange binance --symbols BTCUSDT,ETHUSDT

candlewire start --help lists every variable.
`

type Overrides = Partial<Record<keyof Variables, string>>

/** What a role's command sets where the user does not, as its source system has it. */
const DEFAULTS: Partial<Record<RoleName, Overrides>> = {
  gateway: { KAFKA_PER_SYMBOL_TOPICS: 'true' },
  dispatcher: { LOG_FILE: 'dispatcher.log' },
}

/** A stop that takes longer is given up, ms. */
const STOP_MS = 9_500
/** How long connections may take to end by themselves, ms. */
const LINGER_MS = 1_000

/** Adds `start`: everything, live, in one process; and each role as a command of its own. */
export function addStart(program: Command, signal: AbortSignal): void {
  withOptions(program.command('start'))
    .description('collect live trades, build candles, fill holes, serve REST, WebSocket and the page')
    .option('--compat-ports', 'answer on the ports of all roles too: 5010, 5004, 8000 to 8003')
    .addHelpText('after', HELP)
    .action((options: StartOptions) => run(options, {}, {}, signal))
  for (const role of roleNames.filter((name) => name !== 'all'))
    withOptions(program.command(role))
      .description(roles[role].about)
      .addHelpText('after', ROLE_HELP)
      .action((options: StartOptions) => run(options, { ROLES: role }, DEFAULTS[role] ?? {}, signal))
}

const withOptions = (command: Command): Command =>
  command
    .option('--exchange <id>', 'exchange to collect')
    .option('--symbols <list>', 'markets, comma separated; * is every market that trades')
    .option('--timeframes <list>', 'candles to keep, comma separated')
    .option('--port <number>', 'port to listen on')
    .option('--host <address>', 'address to listen on')
    .option('--data <folder>', 'folder of the store')

async function run(options: StartOptions, forced: Overrides, defaults: Overrides, signal: AbortSignal): Promise<void> {
  const flags: Overrides = {
    EXCHANGES: options.exchange,
    PRIMARY_EXCHANGE: options.exchange,
    SYMBOLS: options.symbols,
    TIMEFRAMES: options.timeframes,
    HOST: options.host,
    CANDLEWIRE_DATA: options.data,
    // Read as a port whatever the role: the first of its addresses is the one that the flag moves.
    WEBSOCKET_PORT: options.port,
  }
  const config = loadConfig({ ...flags, ...forced }, process.env, defaults)
  const assigned = assign(config, options.compatPorts)
  const [, ...rest] = assigned.ports
  const assignment = options.port === undefined ? assigned : { ...assigned, ports: [config.WEBSOCKET_PORT, ...rest] }
  const metrics = createMetrics()
  const log = createLog({
    level: config.logLevel,
    pretty: process.stderr.isTTY,
    file: config.LOG_FILE,
    service: assignment.service,
    count: (stage, kind) => metrics.errors.inc({ stage, kind }),
  })
  const service = await serve({ config, assignment, metrics, log, signal, dashboardDir, progress: createTicker(log) })
  log.info(listening(service.url, assignment))
  const ended = limitStop(log, signal)
  await service.done
  log.info('stopped; everything received is stored')
  ended()
}

function listening(url: string, { parts, ports }: ReturnType<typeof assign>): string {
  const others = ports.length > 1 ? `; also on ${ports.slice(1).join(', ')}` : ''
  if (!parts.has('api')) return `listening: ${url}/health, ${url}/metrics${others}`
  return `listening: ${url} (page), ${url}/docs, ${url.replace('http', 'ws')}/ws/crypto${others}`
}

/** Whoever stops us waits ten seconds. What is not written by then waits on disk, or is asked for again at the next start. */
function limitStop(log: Logger, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined
  const limit = () => {
    timer = setTimeout(() => {
      log.error('a service does not let go; stopping without it')
      process.exit(1)
    }, STOP_MS).unref()
  }
  if (signal.aborted) limit()
  else signal.addEventListener('abort', limit, { once: true })
  return () => {
    clearTimeout(timer)
    // A connection that is still being made would keep us here for as long as it takes.
    setTimeout(() => process.exit(), LINGER_MS).unref()
  }
}
