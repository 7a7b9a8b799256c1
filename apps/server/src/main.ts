#!/usr/bin/env node
import { Command } from 'commander'
import { addBackfill } from './cli/backfill.ts'
import { openBackfiller } from './cli/backfiller.ts'
import { addCheck } from './cli/check.ts'
import { addDemo } from './cli/demo.ts'
import { addExport } from './cli/export.ts'
import { addHealth } from './cli/health.ts'
import { addImport } from './cli/import.ts'
import { processContext, streamUrl } from './cli/process.ts'
import { addRecord } from './cli/record.ts'
import { addReplay } from './cli/replay.ts'
import { addStart } from './cli/start.ts'
import { addVerify } from './cli/verify.ts'
import { version } from './cli/version.ts'
import { isFailure } from './lib/failure.ts'

const HELP = `
First steps
  candlewire demo                                             a simulated exchange and everything, at once
  candlewire start --exchange binance --symbols BTCUSDT       the same with the real exchange

Out of one machine, over Kafka and a database
  candlewire collector --exchange binance --symbols BTCUSDT,ETHUSDT      and processor, historical, realtime,
  gateway, dispatcher, scheduler, api, crypto-microservice: each a process; health asks one how it is

Data in and out
  candlewire import --help      public archives and recordings into the store
  candlewire export --help      candles out, as JSON lines or CSV
  candlewire check --help       ours beside the exchange's, difference by difference
  candlewire verify --help      the ledger of days: are all trades still here, and do the candles equal them
  candlewire backfill --help    history of the exchange, only what is missing
  candlewire record --help      the exchange's raw frames, into files
  candlewire replay --help      such files through the live code, with a hash of what comes out
`

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    stop.abort()
    /** A second signal does not wait. */
    process.once(name, () => process.exit(130))
  })
}

const context = processContext(stop.signal)
const program = new Command('candlewire')
  .description('live crypto market data: every trade once, exact candles, holes filled')
  .version(version)
  .addHelpText('after', HELP)
  .showHelpAfterError('(--help tells more)')
  /** Wrong usage is 2, for every command; 1 is kept for what a command found. */
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))

addDemo(program, stop.signal)
addStart(program, stop.signal)
addHealth(program)
addBackfill(program, context, openBackfiller(context))
addImport(program, context)
addExport(program, context)
addCheck(program, context)
addRecord(program, context, streamUrl)
addReplay(program, context)
addVerify(program, context)

try {
  await program.parseAsync()
} catch (error) {
  if (!isFailure(error)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
