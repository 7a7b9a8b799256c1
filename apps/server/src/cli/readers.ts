import { aggregate } from '../aggregate/aggregate.ts'
import { DAY, HOUR, MINUTE } from '../domain/timeframe.ts'
import { everyTick } from '../lib/ticks.ts'
import { together } from '../lib/together.ts'
import { record } from '../record/record.ts'
import type { createBackend } from './backend.ts'
import { dispatcherOf } from './dispatching.ts'
import type { Parts } from './parts.ts'
import { prune } from './prune.ts'

const SAMPLE_MS = 1_000
const PRUNE_MS = 10 * MINUTE

/** The roles that read the bus, and the figures about it. Ends with the signal, when what was taken in is done. */
export function runReaders(
  parts: Parts,
  backend: ReturnType<typeof createBackend>,
  signal: AbortSignal,
): Promise<void> {
  const { config, log, metrics, bus, store, outside } = parts
  const dispatcher = dispatcherOf(parts)
  const aggregating = {
    bus,
    store,
    timeframes: config.timeframes,
    latenessMs: config.ALLOWED_LATENESS_MS,
    formingMs: config.FORMING_MS,
    log: log.child({ role: 'aggregate' }),
    metrics,
  }
  const tradeRetentionMs = config.TRADE_RETENTION_HOURS * HOUR
  const recording = { bus, store, tradeRetentionMs, log: log.child({ role: 'record' }), metrics }
  const ages = { revisionMs: config.REVISION_RETENTION_DAYS * DAY, jobMs: config.JOB_RETENTION_DAYS * DAY }
  async function sample() {
    for (const { topic, group, events } of bus.depth()) metrics.busDepth.set({ topic, group }, events)
    await backend.sample()
  }
  return together(signal, [
    (stop) => aggregate(aggregating, stop),
    (stop) => record(recording, stop),
    (stop) => outside.run(bus, stop),
    ...(dispatcher ? [dispatcher.run] : []),
    (stop) => everyTick(SAMPLE_MS, sample, stop),
    (stop) => everyTick(PRUNE_MS, () => prune(store, ages, log, stop), stop),
  ])
}
