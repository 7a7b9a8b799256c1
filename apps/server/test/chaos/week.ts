import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { createSimulator, type FaultStep, type Simulator } from '@candlewire/simulator'
import { silent } from '../../src/lib/log.ts'
import { embeddedStore } from '../../src/store/embedded/index.ts'
import { until } from '../until.ts'
import { codesOf, type Losses, noLosses, note } from './check.ts'
import { createDice } from './dice.ts'
import { holding } from './hold.ts'
import { collectGarbage, type Sample, sampleMemory } from './memory.ts'
import { hindrances, isWell, startServer, variablesOf } from './run.ts'
import { type FaultKind, faultsOf } from './scenario.ts'
import { compareWindow } from './window.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** History before the server starts: enough for the candles that its start completes. */
const HISTORY = 2 * HOUR
/** How long the server runs before the first hour: hundreds of markets have to be begun within the request budget. */
const BEFORE = 10 * MINUTE
/** How long after its end an hour is compared: late trades have come and repairs are done. */
const SETTLED = 10 * MINUTE

export interface WeekSettings {
  readonly seed: number
  readonly days: number
  readonly symbols: number
  /** Trades a second of all markets together. */
  readonly rate: number
  /** How often the exchange sends each ticker, ms. */
  readonly tickerMs: number
  /** Timeframes that the server keeps, comma separated. */
  readonly timeframes: string
  readonly log: string
  readonly told: (progress: Progress) => void
}

export interface Progress {
  readonly hours: number
  readonly trades: number
  readonly losses: Losses
  readonly memory: Sample
}

export interface WeekOutcome {
  readonly trades: number
  readonly losses: Losses
  readonly samples: readonly Sample[]
  readonly faults: number
  readonly counts: ReturnType<Simulator['counts']>
  readonly reconnects: number
  /** Rows of each table of the store at the end. */
  readonly growth: Readonly<Record<string, number>>
}

/** Busy first, then ever thinner: the share of the n-th market falls as n^-1.2, as on the exchange. */
export function marketRates(symbols: readonly string[], total: number): Record<string, number> {
  const shares = symbols.map((_, index) => (index + 1) ** -1.2)
  const whole = shares.reduce((sum, share) => sum + share, 0)
  return Object.fromEntries(symbols.map((symbol, index) => [symbol, (total * shares[index]!) / whole]))
}
const nameOf = (index: number) => `${String.fromCharCode(65 + (index % 26), 65 + Math.floor(index / 26))}XUSDT`

const occasional: readonly FaultKind[] = [
  'cut',
  'silence',
  'duplicate',
  'reorder',
  'missing',
  'late',
  'malformed',
  'slow',
  'restDown',
  'refuseConnect',
]

/**
 * A week as an exchange has them: a fault of some kind every few hours, a shutdown announced every other day, a short
 * outage, and one maintenance of two hours. Connections end after 24 h by the exchange's own rule.
 */
export function faultsOfWeek(seed: number, days: number, symbols: readonly string[]): FaultStep[] {
  const dice = createDice(seed)
  const end = days * DAY
  const steps: FaultStep[] = []
  for (let at = dice.between(10, 60) * MINUTE; at < end - HOUR; at += dice.between(60, 300) * MINUTE)
    steps.push(...faultsOf(dice.pick(occasional), at, dice, symbols))
  for (let at = dice.between(8, 30) * HOUR; at < end - HOUR; at += dice.between(36, 60) * HOUR)
    steps.push({ at, kind: 'shutdown', ms: dice.between(1, 30_000) })
  const maintenance = Math.round(end * 0.4) + dice.between(0, 3 * HOUR)
  if (days >= 0.5) steps.push({ at: maintenance, kind: 'outage', ms: 2 * HOUR })
  steps.push({ at: Math.round(end * 0.7) + dice.between(0, HOUR), kind: 'outage', ms: dice.between(61_000, 300_000) })
  return steps
}

/** One server with a simulated exchange for days of virtual time; every hour is compared when it has settled. */
export async function runWeek(settings: WeekSettings): Promise<WeekOutcome> {
  const { seed, days, symbols: count, rate, told } = settings
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-week-'))
  const symbols = Array.from({ length: count }, (_, index) => nameOf(index))
  const faults = faultsOfWeek(seed, days, symbols)
  const start = Math.ceil(Date.now() / HOUR) * HOUR - BEFORE
  const simulator = await createSimulator({
    seed,
    start,
    symbols,
    tradesPerSecond: marketRates(symbols, rate),
    historyMs: HISTORY,
    tickMs: 500,
    tickerMs: settings.tickerMs,
    faults,
  })
  const outages = faults.flatMap((step) =>
    step.kind === 'outage' && 'at' in step ? [{ from: start + step.at, to: start + step.at + step.ms }] : [],
  )
  const hindered = hindrances({ faults, restarts: [] }, start)
  const idsNow = () => new Map(symbols.map((symbol) => [symbol, simulator.truth.ids(symbol).last]))
  const losses = noLosses()
  const samples: Sample[] = []
  let trades = 0
  try {
    const variables = {
      ...variablesOf(simulator, folder),
      TIMEFRAMES: settings.timeframes,
      ALLOWED_LATENESS_MS: '1500',
      GAP_SCAN_SECONDS: '300',
    }
    const server = await startServer(variables, folder, settings.log)
    try {
      const reach = async (time: number) => {
        while (simulator.now() < time) await pause(Math.min(time - simulator.now(), MINUTE))
      }
      await reach(start + BEFORE)
      const store = await holding(() => embeddedStore({ path: join(folder, 'candlewire.db'), log: silent }))
      try {
        let from = start + BEFORE
        let ids = idsNow()
        for (let hour = 1; hour <= days * 24; hour++) {
          const to = start + BEFORE + hour * HOUR
          await reach(to)
          const lastIds = idsNow()
          await reach(to + SETTLED)
          // What an outage left is compared when it has been made good.
          if (outages.some((outage) => outage.from < simulator.now() && to - HOUR < outage.to + HOUR))
            if (!isWell(server.service, count) && hour < days * 24) continue
          const span = { codes: codesOf(settings.timeframes), from, to, firstIds: ids, lastIds, hindered }
          trades += await holding(() => compareWindow(store, simulator, span, losses))
          from = to
          ids = lastIds
          collectGarbage()
          const memory = sampleMemory(hour)
          samples.push(memory)
          told({ hours: hour, trades, losses, memory })
        }
        await until('all to be well', () => isWell(server.service, count), 10 * MINUTE).catch(() => {
          losses.coverage++
          note(losses, `not well at the end: ${JSON.stringify(server.service.status())}`)
        })
      } finally {
        await holding(() => store.close())
      }
      const { reconnects } = server.service.status().collect
      const counts = simulator.counts()
      await server.stop()
      const growth = rowsIn(join(folder, 'candlewire.db'))
      return { trades, losses, samples, faults: faults.length, counts, reconnects, growth }
    } finally {
      await server.stop()
    }
  } finally {
    await simulator.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function rowsIn(path: string): Record<string, number> {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const count = (table: string) => Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
    return Object.fromEntries(
      ['candles', 'superseded', 'trades', 'coverage', 'jobs', 'ledger'].map((name) => [name, count(name)]),
    )
  } finally {
    db.close()
  }
}
