import type { ApiBackend } from '../api/deps.ts'
import type { Backfill } from '../backfill/backfill.ts'
import type { Collector } from '../collect/collector.ts'
import type { CollectorStatus } from '../collect/status.ts'
import type { Config } from '../config.ts'
import type { RestClient } from '../exchanges/rest.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Reconciler } from '../reconcile/reconcile.ts'
import type { Store } from '../store/store.ts'
import type { EventLog } from './bus.ts'
import { completeness } from './completeness.ts'
import type { Outside } from './outside.ts'
import { createRate, latencyMs } from './performance.ts'

interface Deps {
  readonly store: Store
  readonly rest: RestClient
  readonly metrics: Metrics
  readonly collector: Collector
  readonly backfill: Backfill
  readonly reconciler: Reconciler
  readonly outside: Pick<Outside, 'problems'>
  readonly eventLog: Pick<EventLog, 'problems'>
  readonly config: Config
  readonly symbols: () => string[]
  readonly signal: AbortSignal
}

/** What collect and backfill offer to the API, as plain functions: no role sees another. */
export function createBackend(deps: Deps): ApiBackend & { sample: () => Promise<void> } {
  const { store, rest, metrics, collector, backfill, reconciler, outside, eventLog, config, symbols, signal } = deps
  const { exchange } = rest
  const frames = createRate(() => collector.status().messagesReceived)
  const requests = createRate(() => rest.usage().requests)
  let latency: number[] = [0, 0, 0]
  let published = 0
  return {
    /** Call once a second. */
    async sample() {
      frames.sample()
      requests.sample()
      latency = await latencyMs(metrics, 'live', [0.5, 0.95, 0.99])
      const { values } = await metrics.candles.get()
      published = values.reduce((sum, { value }) => sum + value, 0)
    },
    collectorStatus() {
      const status = collector.status()
      const { mode } = backfill.status()
      return {
        stats: {
          symbols: status.symbols,
          streams: status.streams,
          messages_received: status.messagesReceived,
          candles_published: published,
          last_message_at: status.lastMessageAt ? new Date(status.lastMessageAt).toISOString() : null,
          reconnects: status.reconnects,
          gaps_open: status.gapsOpen,
          mode: status.mode === 'rest_fallback' ? 'rest_fallback' : mode,
        },
        performance: {
          messages_per_second: round(frames.perSecond()),
          publish_latency_ms: { p50: latency[0] ?? 0, p95: latency[1] ?? 0, p99: latency[2] ?? 0 },
          requests_per_minute: round(requests.perSecond() * 60),
        },
        problems: { ...problemsOf(exchange.id, status), ...outside.problems(), ...eventLog.problems() },
      }
    },
    async fetchHistorical({ symbol, timeframe, from, to }) {
      const { job, plan } = await backfill.request({ symbol, timeframe, from, to, priority: 'high' })
      const usage = rest.usage()
      const missing = plan.missing
      return {
        exchange: exchange.id,
        symbol,
        timeframe,
        jobId: missing.length > 0 ? job.id : undefined,
        missing,
        requestsPlanned: plan.requests,
        estimatedSeconds: plan.seconds,
        window: windowOf(usage.used / usage.limit),
        delaySeconds: 0,
        done: missing.length > 0 ? finished(job.id) : Promise.resolve(),
      }
    },
    reconciliation: reconciler.status,
    coverage: () =>
      Promise.all(
        symbols().map((symbol) =>
          completeness(store, backfill, { exchange: exchange.id, symbol }, config.GAP_LOOKBACK_HOURS, Date.now()),
        ),
      ),
  }

  async function finished(id: string): Promise<void> {
    const job = await backfill.settled(id, signal)
    if (job?.state === 'failed') throw new Error(job.errors.at(-1) ?? 'the backfill failed')
  }
}

const NAMED = 10

/** Markets whose data could not be trusted lately, the worst first. */
function driftText(drifting: CollectorStatus['drifting']): string {
  const rows = drifting
    .map(({ symbol, kinds }) => ({ symbol, kinds, times: Object.values(kinds).reduce((sum, times) => sum + times, 0) }))
    .sort((a, b) => b.times - a.times)
  const told = rows.slice(0, NAMED).map(({ symbol, kinds }) => {
    const what = Object.entries(kinds).map(([kind, times]) => `${kind} × ${times}`)
    return `${symbol} (${what.join(', ')})`
  })
  const more = rows.length > NAMED ? ` and ${rows.length - NAMED} more` : ''
  return told.length ? `set aside: ${told.join(', ')}${more}` : ''
}

const round = (value: number): number => Math.round(value * 100) / 100

/** The source systems' names for how much of the budget is in use. */
const windowOf = (ratio: number): string =>
  ratio < 0.5 ? 'IMMEDIATE' : ratio < 0.75 ? 'SHORT' : ratio < 0.9 ? 'MEDIUM' : 'LONG'

/** What /health says of an exchange: by its id the sockets, by `id:rest` the requests. */
function problemsOf(
  id: string,
  { state, symbols, circuits, connections, drifting }: ReturnType<Collector['status']>,
): Record<string, string> {
  const problems: Record<string, string> = {}
  const { sockets, broken, reason } = circuits
  if (sockets !== 'closed')
    problems[id] = `${state}: ${broken} connection(s) keep failing (${reason}), ${connections} open; circuit ${sockets}`
  else if (symbols === 0) problems[id] = 'its list of markets is awaited'
  else if (state !== 'connected') problems[id] = state
  const drift = driftText(drifting)
  if (drift) problems.data = drift
  if (circuits.rest !== 'closed') problems[`${id}:rest`] = `REST requests keep failing; circuit ${circuits.rest}`
  return problems
}
