import type { PartStatus } from '../api/deps.ts'
import { routingStats } from '../dispatch/http.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Parts } from './parts.ts'
import type { Part } from './roles.ts'

type Wanted = Pick<Parts, 'assignment' | 'services' | 'metrics' | 'bus' | 'backfill' | 'dispatcher'>
type Stats = Readonly<Record<string, unknown>>

/** What the parts of a process have done since it started, and how its services are. */
export async function partStatus(parts: Wanted): Promise<PartStatus> {
  const { assignment, services } = parts
  const stats: Record<string, unknown> = {}
  for (const part of assignment.parts) Object.assign(stats, await of[part]?.(parts))
  const problems = services.problems()
  return { stats, services: Object.fromEntries(services.names.map((name) => [name, problems[name]])) }
}

const of: Partial<Record<Part, (parts: Wanted) => Promise<Stats>>> = {
  collect: async ({ metrics }) => ({ trades_published: await total(metrics.trades) }),
  aggregate: async ({ metrics, bus }) => ({
    candles_published: await total(metrics.candles),
    duplicate_trades: await total(metrics.duplicates),
    late_trades: await total(metrics.lateTrades),
    events_waiting: waiting(bus, 'aggregate'),
  }),
  record: async ({ metrics, bus }) => ({
    trades_written: await total(metrics.written, { table: 'trades' }),
    candles_written: await total(metrics.written, { table: 'candles' }),
    events_to_write: waiting(bus, 'record'),
  }),
  backfill: async ({ backfill }) => {
    const { jobs, candlesWritten, estimatedSeconds, mode } = backfill.status()
    return { backfill: { mode, jobs, candles_written: candlesWritten, estimated_seconds: estimatedSeconds } }
  },
  api: async ({ metrics }) => ({
    websocket_clients: await total(metrics.clients),
    websocket_messages: await total(metrics.messages, { outcome: 'delivered' }),
  }),
  dispatch: async ({ dispatcher }) => (dispatcher ? routingStats(await dispatcher.status()) : {}),
}

const waiting = (bus: Wanted['bus'], name: string): number =>
  bus
    .depth()
    .filter(({ group }) => group === name)
    .reduce((sum, { events }) => sum + events, 0)

interface Counted {
  get(): Promise<{ readonly values: readonly { readonly value: number; readonly labels: object }[] }>
}

/** The sum of a figure over all its labels, or over those that are named. */
export async function total(figure: Counted, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const { values } = await figure.get()
  const wanted = Object.entries(labels)
  return values
    .filter((one) => wanted.every(([name, value]) => Reflect.get(one.labels, name) === value))
    .reduce((sum, { value }) => sum + value, 0)
}

/** The gauges that tell how a process is, brought up to date. */
export function measure({
  metrics,
  services,
  rest,
  collector,
  backfill,
  assignment,
}: Pick<Parts, 'metrics' | 'services' | 'rest' | 'collector' | 'backfill' | 'assignment'>): void {
  const problems = services.problems()
  for (const service of services.names) metrics.serviceUp.set({ service }, problems[service] === undefined ? 1 : 0)
  const exchange = rest.exchange.id
  const usage = rest.usage()
  metrics.requestDelay.set({ exchange }, Math.max(0, usage.blockedUntil - Date.now()) / 1_000)
  metrics.rateLimits.set({ exchange }, usage.consecutiveLimits)
  metrics.circuit.set({ exchange, kind: 'rest' }, CIRCUIT[usage.breaker ?? 'closed'])
  if (assignment.parts.has('collect')) measureCollection(metrics, collector.status())
  if (!assignment.parts.has('backfill')) return
  for (const [state, jobs] of Object.entries(backfill.status().jobs)) metrics.jobs.set({ state }, jobs)
}

const CIRCUIT = { closed: 0, 'half-open': 1, open: 2 } as const

function measureCollection(metrics: Metrics, status: ReturnType<Parts['collector']['status']>): void {
  const { exchange, gapsOpen, circuits } = status
  metrics.gapsOpen.set({ exchange }, gapsOpen)
  metrics.circuit.set({ exchange, kind: 'sockets' }, CIRCUIT[circuits.sockets])
}
