import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSimulator, type Simulator } from '@candlewire/simulator'
import { type Service, serve } from '../../src/cli/serve.ts'
import { loadConfig } from '../../src/config.ts'
import type { Interval } from '../../src/domain/coverage.ts'
import { createLog, silent } from '../../src/lib/log.ts'
import { embeddedStore } from '../../src/store/embedded/index.ts'
import { until } from '../until.ts'
import { codes, compareAll, type Losses, noLosses, note } from './check.ts'
import { holding } from './hold.ts'
import type { Scenario } from './scenario.ts'

export const MINUTE = 60_000
/** As long as the slowest repair may take: a minute closes, then it is asked for, with the exchange's worst answers. */
const PATIENCE = 4 * MINUTE
export const HISTORY = 6 * MINUTE
/** How far coverage goes on after all is well before the server is stopped. */
export const AFTER = 36_000
/** How far it may be behind the exchange's clock then: a market in doubt is asked about now and then only. */
export const BEHIND = 33_000
/** The exchange's figures, a newest id for one, are this old at times: what it traded since then nobody has to know. */
export const STALE = 1_500
/** The longest pause before REST is asked again after it failed. */
const RETRY = 35_000
/** A fault begins with the simulator's next look at its script. */
const SLACK = 200

/** What came of a run. `healMs`: from the last fault to all markets live and nothing left to fetch. */
export interface Outcome {
  readonly seed: number
  readonly kind: string
  readonly healMs: number
  readonly trades: number
  readonly losses: Losses
}

/** One exchange, one server, one script of faults; then the store is held against what happened. */
export async function runScenario(scenario: Scenario, logLevel = 'silent'): Promise<Outcome> {
  const { seed, kind, rates, faults } = scenario
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-chaos-'))
  const border = 5 * MINUTE
  const start = Math.ceil((Date.now() + scenario.beforeBorder) / border) * border - scenario.beforeBorder
  const simulator = await createSimulator({
    seed,
    start,
    symbols: Object.keys(rates),
    tradesPerSecond: rates,
    historyMs: HISTORY,
    faults,
  })
  try {
    const firstIds = firstIdsOf(simulator)
    const { healMs, upTo, lastIds, problem } = await live(scenario, simulator, folder, start, logLevel)
    const store = await embeddedStore({ path: join(folder, 'candlewire.db'), log: silent })
    const since = Math.floor(start / MINUTE) * MINUTE
    const hindered = hindrances(scenario, start)
    const late = hindered.filter(({ from }) => from <= start).map(({ to }) => to + RETRY)
    const reachable = Math.max(start, ...late)
    const expected = { since, reachable, upTo, firstIds, lastIds, hindered }
    const losses = await compareAll(store, simulator, expected).finally(() => store.close())
    if (problem) {
      losses.coverage++
      losses.notes.unshift(problem)
    }
    return { seed, kind, healMs, trades: countSince(simulator, firstIds), losses }
  } catch (error) {
    const losses = { ...noLosses(), coverage: 1 }
    note(losses, error instanceof Error ? (error.stack ?? error.message) : String(error))
    return { seed, kind, healMs: Number.NaN, trades: 0, losses }
  } finally {
    await simulator.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** When the server could not ask or hear, by the script: exchange ms, for a server that began at `start`. */
export function hindrances({ faults, restarts }: Pick<Scenario, 'faults' | 'restarts'>, start: number): Interval[] {
  const hindering: readonly string[] = ['restDown', 'refuseConnect', 'silence', 'slow', 'outage']
  const byScript = faults.flatMap((step) =>
    'at' in step && 'ms' in step && hindering.includes(step.kind) ? [{ at: step.at, ms: step.ms ?? 0 }] : [],
  )
  return [...byScript, ...restarts].map(({ at, ms }) => ({ from: start + at, to: start + at + ms + SLACK }))
}

/** The server's life: faults, restarts, calm, all well, the end. */
async function live(scenario: Scenario, simulator: Simulator, folder: string, start: number, logLevel: string) {
  const reach = (ms: number) => until(`${ms} ms`, () => simulator.now() >= start + ms, PATIENCE)
  let server = await startServer(variablesOf(simulator, folder), folder, logLevel)
  try {
    for (const { at, ms } of scenario.restarts) {
      await reach(at)
      await server.stop()
      await reach(at + ms)
      server = await startServer(variablesOf(simulator, folder), folder, logLevel)
    }
    await reach(scenario.calm)
    let problem: string | undefined
    await until('all to be well', () => isWell(server.service, simulator.symbols.length), PATIENCE).catch(() => {
      problem = `not well ${PATIENCE} ms after the last fault: ${JSON.stringify(server.service.status())}`
    })
    const healed = simulator.now()
    await until('a little more', () => simulator.now() >= healed + AFTER, PATIENCE)
    const lastIds = lastIdsOf(simulator)
    await until('the last of them to come', () => simulator.now() >= healed + AFTER + STALE, PATIENCE)
    await server.stop()
    return { healMs: healed - start - scenario.calm, upTo: healed + AFTER - BEHIND, lastIds, problem }
  } finally {
    await server.stop()
  }
}

/** The settings of a server that collects all of the simulated exchange into a folder. */
export const variablesOf = ({ restUrl, wsUrl }: Simulator, folder: string) => ({
  SYMBOLS: '*',
  TIMEFRAMES: codes.join(),
  HOST: '127.0.0.1',
  WEBSOCKET_PORT: '0',
  CANDLEWIRE_DATA: folder,
  ALLOWED_LATENESS_MS: '300',
  GAP_LOOKBACK_HOURS: '1',
  GAP_SCAN_SECONDS: '20',
  BINANCE_REST_URL: restUrl,
  BINANCE_WS_URL: wsUrl,
})

/** A server in this process; `stop` resolves when all that it received is stored. */
export async function startServer(variables: ReturnType<typeof variablesOf>, folder: string, logLevel: string) {
  const config = loadConfig(variables, {})
  const abort = new AbortController()
  const log = logLevel === 'silent' ? silent : createLog({ level: logLevel, pretty: false })
  const parts = { config, log, signal: abort.signal, dashboardDir: join(folder, 'no-page') }
  const service = await holding(() => serve(parts))
  return {
    service,
    stop(): Promise<void> {
      abort.abort()
      return service.done
    },
  }
}

export function isWell(service: Service, symbols: number): boolean {
  const { collect, backfill } = service.status()
  const { running, queued } = backfill.jobs
  return (
    collect.markets.live + collect.markets.deaf === symbols &&
    collect.gapsOpen + running + queued + backfill.repairsPending === 0
  )
}

/** The id of the first trade in the minute that has begun, or of the trade to come. */
function firstIdOfMinute({ truth, now }: Simulator, symbol: string): number {
  const minute = Math.floor(now() / MINUTE) * MINUTE
  const [row] = truth.candles(symbol, '1m', minute, minute)
  return truth.ids(symbol).last + 1 - (row?.[8] ?? 0)
}

export const firstIdsOf = (simulator: Simulator): ReadonlyMap<string, number> =>
  new Map(simulator.symbols.map((symbol) => [symbol, firstIdOfMinute(simulator, symbol)]))

export const lastIdsOf = ({ symbols, truth }: Simulator): ReadonlyMap<string, number> =>
  new Map(symbols.map((symbol) => [symbol, truth.ids(symbol).last]))

/** Trades of all symbols since the first ids. */
export const countSince = ({ truth, symbols }: Simulator, firstIds: ReadonlyMap<string, number>): number =>
  symbols.reduce((sum, symbol) => sum + truth.ids(symbol).last + 1 - (firstIds.get(symbol) ?? 0), 0)
