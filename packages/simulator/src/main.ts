#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import Value from 'typebox/value'
import { FaultScript, type FaultStep } from './faults/faults.ts'
import { createSimulator, type SimulatorOptions } from './index.ts'

const number = (text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('give a number, zero or more')
  return value
}

const symbols = (text: string): number | string[] =>
  /^[0-9]+$/.test(text) ? number(text) : text.toUpperCase().split(',').filter(Boolean)

const readScript = async (file: string): Promise<FaultStep[]> => {
  const script: unknown = JSON.parse(await readFile(file, 'utf8'))
  if (Value.Check(FaultScript, script)) return script
  const [first] = Value.Errors(FaultScript, script)
  throw new Error(`${file}: ${first?.instancePath ?? ''} ${first?.message ?? 'is not a list of faults'}`)
}

const examples = `
The market is made from the seed: the same seed and symbols give the same trades, however fast the clock runs.
Ids have no holes, candles are the exact sums of the trades, quiet minutes are flat, outages leave real holes.

Examples:
  candlewire-simulator                                  ten symbols, real time, any free port
  candlewire-simulator --port 9443 --symbols 500 --rate 2000 --history 1
  candlewire-simulator --symbols BTCUSDT,ETHBTC --speed 60
  candlewire-simulator --recorded trades.jsonl.gz       play recorded trades (<ns> <frame> lines, or aggTrades)
  candlewire-simulator --faults faults.json             play a script of faults

A script is a list such as
  [{"at": 30000, "kind": "cut"}, {"every": 60000, "kind": "missing", "symbols": ["BTCUSDT"], "count": 3},
   {"at": 90000, "kind": "outage", "ms": 120000}]
Kinds: cut, silence {ms}, duplicate {count}, reorder {count}, missing {count}, malformed {count}, late {ms},
slow {ms, delayMs}, outage {ms}, restDown {ms}, refuseConnect {ms}, shutdown {ms}, halt {ms},
delist, list {tradesPerSecond}. Those from slow to shutdown hit all; delist and list need symbols, the others take them.

While it runs: POST a fault to /sim/faults; read /sim/truth/trades?symbol=, /sim/truth/klines?symbol=&interval=, /sim/state.
`

type Flags = {
  port: number
  host: string
  symbols: number | string[]
  seed: number
  speed: number
  history: number
  rate?: number
  recorded?: string
  symbol?: string
  faults?: string
}

const optionsOf = async (flags: Flags): Promise<SimulatorOptions> => ({
  port: flags.port,
  host: flags.host,
  symbols: flags.symbols,
  seed: flags.seed,
  speed: flags.speed,
  historyMs: flags.history * 3_600_000,
  ...(flags.rate !== undefined && { tradesPerSecond: flags.rate }),
  ...(flags.recorded && { recorded: { file: flags.recorded, ...(flags.symbol && { symbol: flags.symbol }) } }),
  ...(flags.faults && { faults: await readScript(flags.faults) }),
})

const run = async (flags: Flags): Promise<void> => {
  const simulator = await createSimulator(await optionsOf(flags))
  console.log(
    `Binance spot, simulated: ${simulator.symbols.length} symbols (${simulator.symbols.slice(0, 5).join(', ')} …)`,
  )
  console.log('Nothing here is a real price. Point a client at it with:')
  console.log(`  BINANCE_REST_URL=${simulator.restUrl}`)
  console.log(`  BINANCE_WS_URL=${simulator.wsUrl}`)
  console.log('Stop with Ctrl-C.')
  const stop = (): void => {
    void simulator.close()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

const program = new Command('candlewire-simulator')
  .description('Binance spot in a box: REST and WebSocket on one local port, with faults on demand')
  .option('--port <port>', 'TCP port, 0 for any free one', number, 0)
  .option('--host <host>', 'address to listen on', '127.0.0.1')
  .option('--symbols <count|names>', 'how many symbols (up to 500), or their names with commas', symbols, 10)
  .option('--seed <number>', 'which market to make', number, 1)
  .option('--speed <factor>', 'simulated seconds in a real one', number, 1)
  .option('--history <hours>', 'how far history reaches back; made when asked for', number, 48)
  .option('--rate <trades>', 'trades a second, all symbols together (two for each symbol when left out)', number)
  .option('--recorded <file>', 'play recorded trades instead, plain or .gz')
  .option('--symbol <name>', 'the symbol of a recording that does not name it')
  .option('--faults <file>', 'JSON script of faults')
  .addHelpText('after', examples)
  .action(run)

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
