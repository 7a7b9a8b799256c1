import type { Command } from 'commander'
import { loadConfig, variableRows } from '../config.ts'
import { createLog } from '../lib/log.ts'
import { dashboardDir } from './page.ts'
import { serve } from './serve.ts'
import { createTicker } from './ticker.ts'

interface StartOptions {
  readonly exchange?: string
  readonly symbols?: string
  readonly timeframes?: string
  readonly port?: string
  readonly host?: string
  readonly data?: string
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

/** Adds `start`: everything, live, in one process. */
export function addStart(program: Command, signal: AbortSignal): void {
  program
    .command('start')
    .description('collect live trades, build candles, fill holes, serve REST, WebSocket and the page')
    .option('--exchange <id>', 'exchange to collect')
    .option('--symbols <list>', 'markets, comma separated; * is every market that trades')
    .option('--timeframes <list>', 'candles to keep, comma separated')
    .option('--port <number>', 'port to listen on')
    .option('--host <address>', 'address to listen on')
    .option('--data <folder>', 'folder of the store')
    .addHelpText('after', HELP)
    .action(async (options: StartOptions) => {
      const config = loadConfig({
        EXCHANGES: options.exchange,
        PRIMARY_EXCHANGE: options.exchange,
        SYMBOLS: options.symbols,
        TIMEFRAMES: options.timeframes,
        WEBSOCKET_PORT: options.port,
        HOST: options.host,
        CANDLEWIRE_DATA: options.data,
      })
      const log = createLog({ level: config.logLevel, pretty: process.stderr.isTTY, file: config.LOG_FILE })
      const service = await serve({ config, log, signal, dashboardDir, progress: createTicker(log) })
      log.info(`listening: ${service.url} (page), ${service.url}/docs, ${service.url.replace('http', 'ws')}/ws/crypto`)
      await service.done
      log.info('stopped; everything received is stored')
    })
}
