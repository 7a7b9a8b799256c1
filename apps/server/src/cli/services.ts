import type { Config } from '../config.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { type EventLog, openBus } from './bus.ts'
import { type Outside, openOutside } from './outside.ts'
import type { Assignment } from './roles.ts'
import { openStores, type Stores } from './store.ts'

export interface Services {
  readonly stores: Stores
  readonly outside: Outside
  readonly eventLog: EventLog
  /** What is configured beside the store and does not answer, by name. */
  problems(): Record<string, string>
  /** Everything configured beside the store, by name. */
  readonly names: readonly string[]
  /** What is written still goes out: the event log first, the store last. */
  close(): Promise<void>
}

interface Deps {
  readonly config: Config
  readonly assignment: Assignment
  readonly log: Logger
  readonly metrics: Metrics
  /** Ends the wait for a database that does not answer yet. */
  readonly signal: AbortSignal
}

/** Connects a process to the services that its settings name. Rejects as the stores do, and with `INVALID_SETTING`. */
export async function openServices({ config, assignment, log, metrics, signal }: Deps): Promise<Services> {
  const opened: { close(): Promise<void> }[] = []
  const close = async () => {
    for (const one of opened.splice(0).reverse()) await one.close()
  }
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(one)
    return one
  }
  try {
    const stores = keep(await openStores(config, assignment.parts, log, signal))
    const outside = keep(await openOutside({ config, parts: assignment.parts, log, metrics }))
    const eventLog = keep(await openBus({ config, role: assignment.service, log, metrics }))
    return {
      stores,
      outside,
      eventLog,
      problems: () => ({ ...eventLog.problems(), ...outside.problems() }),
      names: [...(eventLog.kafka ? ['kafka'] : []), ...outside.services],
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
