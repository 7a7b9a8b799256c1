import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSimulator } from '@candlewire/simulator'
import { type Command, InvalidArgumentError } from 'commander'
import { loadConfig } from '../config.ts'
import { createLog } from '../lib/log.ts'
import { dashboardDir } from './page.ts'
import { serve } from './serve.ts'
import { createTicker } from './ticker.ts'

interface DemoOptions {
  readonly symbols: number
  readonly rate: number
  readonly seed: number
  readonly port?: string
  readonly data?: string
}

/** Adds `demo`: an exchange in a box on a local socket, and the whole of Candlewire connected to it. */
export function addDemo(program: Command, signal: AbortSignal): void {
  program
    .command('demo')
    .description('everything at once, with a simulated exchange: no network, no account')
    .option('--symbols <count>', 'how many markets the simulated exchange has', numberIn(1, 500), 12)
    .option('--rate <number>', 'trades a second, all markets together', numberIn(1, 20_000), 40)
    .option('--seed <number>', 'another seed is another market', numberIn(0, 2 ** 32 - 1), 1)
    .option('--port <number>', 'port to listen on (default: 8080, or a free one when that is taken)')
    .option('--data <folder>', 'folder of the store (default: a temporary one, deleted at the end)')
    .action(async (options: DemoOptions) => {
      const log = createLog({ level: loadConfig().logLevel, pretty: process.stderr.isTTY })
      const simulator = await createSimulator({
        symbols: options.symbols,
        tradesPerSecond: options.rate,
        seed: options.seed,
      })
      const data = options.data ?? (await mkdtemp(join(tmpdir(), 'candlewire-demo-')))
      try {
        const config = loadConfig({
          SYMBOLS: '*',
          HOST: '127.0.0.1',
          CANDLEWIRE_DATA: data,
          // What is simulated never gets into a database of real prices.
          TIMESCALE_HOST: '',
          DATABASE_URL: '',
          WEBSOCKET_PORT: options.port,
          BINANCE_REST_URL: simulator.restUrl,
          BINANCE_WS_URL: simulator.wsUrl,
        })
        const service = await listen(config)
        const page = service.url.replace('127.0.0.1', 'localhost')
        process.stderr.write(
          `\n  The exchange is simulated (${simulator.restUrl}); nothing here is a real price.\n  Open ${page} and watch. Stop with Ctrl+C.\n\n`,
        )
        await service.done
      } finally {
        await simulator.close()
        if (options.data === undefined) await rm(data, { recursive: true, force: true })
      }

      async function listen(config: ReturnType<typeof loadConfig>) {
        const deps = { log, signal, dashboardDir, progress: createTicker(log) }
        try {
          return await serve({ ...deps, config })
        } catch (error) {
          const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
          if (!taken || options.port !== undefined) throw error
          log.warn({ port: config.WEBSOCKET_PORT }, 'the port is taken, another one is used')
          return await serve({ ...deps, config: { ...config, WEBSOCKET_PORT: 0 } })
        }
      }
    })
}

const numberIn = (from: number, to: number) => (text: string) => {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < from || number > to)
    throw new InvalidArgumentError(`A whole number from ${from} to ${to}.`)
  return number
}
