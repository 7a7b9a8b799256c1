import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isClean } from './check.ts'
import { runKills } from './kill.ts'
import { type Job, runAll } from './pool.ts'
import type { Outcome } from './run.ts'
import { type Kind, kinds } from './scenario.ts'
import { clock, table } from './table.ts'
import { runWeekApart } from './weekPool.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    parallel: { type: 'string', default: String(availableParallelism()) },
    symbols: { type: 'string' },
    only: { type: 'string' },
    kill: { type: 'string' },
    week: { type: 'boolean', default: false },
    days: { type: 'string', default: '7' },
    rate: { type: 'string', default: '8' },
    ticker: { type: 'string', default: '10' },
    timeframes: { type: 'string', default: '1m,5m,1h,1d' },
    log: { type: 'string', default: 'silent' },
    help: { type: 'boolean', default: false },
  },
})
const HELP = `npm run chaos -- [--runs 100] [--only ${kinds.join('|')}]
    short runs with faults of every kind, each in a virtual clock's time, compared with what really happened
npm run chaos -- --kill 100
    one server, killed again and again in real time, with a client that remembers what it was told
npm run chaos -- --week [--days 7] [--rate 8] [--ticker 10] [--timeframes 1m,5m,1h,1d]
    one server for a week of virtual time: limits, rotations, a maintenance, memory; --rate is trades a second of all
    markets, --ticker how many seconds apart the exchange sends each ticker
all: [--seed 1] [--symbols 20, a week 200] [--parallel 2] [--log warn]; the exit code is 1 when anything was wrong
`
if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}
const number = (name: 'runs' | 'seed' | 'parallel' | 'symbols' | 'kill' | 'ticker', fallback?: number): number => {
  const value = Number(values[name] ?? fallback)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name}: give a whole number, one or more`)
  return value
}
const chosen = kinds.filter((kind) => values.only === undefined || values.only === kind)
if (chosen.length === 0) throw new Error(`--only: one of ${kinds.join(', ')}`)

const [runs, seed, symbols] = [number('runs'), number('seed'), number('symbols', values.week ? 200 : 20)]
const jobs = Array.from({ length: runs }, (_, index): Job => {
  const kind: Kind = chosen[(seed + index) % chosen.length]!
  return { kind, seed: seed + index, symbols, log: values.log }
})

const outcomes: Outcome[] = []
const started = performance.now()
if (values.week) {
  const rate = Number(values.rate)
  if (!(rate > 0)) throw new Error('--rate: trades a second of all markets together')
  const days = Number(values.days)
  if (!(days >= 0.25)) throw new Error('--days: a quarter or more')
  const { timeframes, log } = values
  const clean = await runWeekApart({
    seed,
    days,
    symbols,
    rate,
    timeframes,
    tickerMs: number('ticker') * 1_000,
    log,
  })
  process.exit(clean ? 0 : 1)
}
if (values.kill === undefined) await runAll(jobs, number('parallel'), tell)
else {
  const kills = number('kill')
  const told = (done: number) => say(`${done} of ${kills} kills`, done)
  const outcome = await runKills(kills, seed, symbols, told)
  outcomes.push(outcome)
  if (!isClean(outcome.losses)) blame(outcome)
}
process.stdout.write(`\n${table(outcomes)}\n`)
process.exitCode = outcomes.every(({ losses }) => isClean(losses)) ? 0 : 1

function tell(outcome: Outcome): void {
  outcomes.push(outcome)
  const passed = performance.now() - started
  const left = (passed / outcomes.length) * (runs - outcomes.length)
  const wrong = outcomes.filter(({ losses }) => !isClean(losses)).length
  const line = `${outcomes.length} of ${runs} runs, ${wrong} with losses, ${clock(passed)} passed, ${clock(left)} to go`
  say(line, outcomes.length)
  if (!isClean(outcome.losses)) blame(outcome)
}

/** In place on a terminal, now and then elsewhere. */
function say(line: string, done: number): void {
  process.stderr.write(process.stderr.isTTY ? `\r${line}  ` : done % 20 === 0 ? `${line}\n` : '')
}

function blame({ seed, kind, losses: { notes, ...counts } }: Outcome): void {
  const what = values.kill === undefined ? `--runs 1 --only ${kind}` : `--kill ${values.kill}`
  const again = `npm run chaos -- ${what} --seed ${seed} --symbols ${symbols}`
  process.stdout.write(
    `\nseed ${seed}, ${kind}: ${JSON.stringify(counts)}\n${notes.map((text) => `  ${text}\n`).join('')}  ${again}\n`,
  )
}
