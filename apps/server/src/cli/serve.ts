import type { RunningApi } from '../api/listen.ts'
import type { BackfillStatus } from '../backfill/backfill.ts'
import type { CollectorStatus } from '../collect/status.ts'
import { isFailure } from '../lib/failure.ts'
import { createBackend } from './backend.ts'
import { runIntake } from './intake.ts'
import { answer } from './listeners.ts'
import { createParts, type PartsDeps } from './parts.ts'
import { runReaders } from './readers.ts'

export interface Service {
  /** Where it listens. */
  readonly url: string
  /** Resolves when the signal has aborted and everything received is stored; rejects when a role failed. */
  readonly done: Promise<void>
  /** What it does at the moment. */
  status(): { readonly collect: CollectorStatus; readonly backfill: BackfillStatus }
}

export interface ServeDeps extends PartsDeps {
  /** The built page. */
  readonly dashboardDir: string
}

/**
 * The roles of one process, on the event log and the store that are configured. The API answers before the exchange does: a page that
 * says "connecting" beats one that does not open. It stops in the order of the data: intake first, then the roles that
 * read the bus, then the store; when one role fails, all stop.
 */
export async function serve({ dashboardDir, ...deps }: ServeDeps): Promise<Service> {
  const { log, signal } = deps
  const parts = await createParts(deps)
  const { collector, backfill, services, setAside } = parts
  const broken = new AbortController()
  const intake = AbortSignal.any([signal, broken.signal])
  const flow = new AbortController()
  const backend = createBackend({ ...parts, symbols: () => [...parts.collected], signal: flow.signal })

  const failures: unknown[] = []
  /** Runs a part; when it falls, intake ends, and with it everything. */
  const guarded = (run: Promise<void>) =>
    run.catch((error: unknown) => {
      failures.push(error)
      log.fatal(isFailure(error) ? { reason: error.message } : { err: error }, 'a role failed, stopping')
      broken.abort()
    })
  const readers = guarded(runReaders(parts, backend, flow.signal))
  const locked = guarded(parts.lock.run(flow.signal))
  const close = async () => {
    flow.abort()
    await readers
    await locked
    await setAside.settled()
    await services.close()
  }
  let api: RunningApi
  try {
    api = await answer(parts, backend, dashboardDir, flow.signal)
  } catch (error) {
    await close()
    throw error
  }
  const answering = guarded(api.done)
  const done = (async () => {
    await guarded(runIntake(parts, intake))
    flow.abort()
    await answering
    await close()
    if (failures.length > 0) throw failures[0]
  })()
  return { url: api.url, done, status: () => ({ collect: collector.status(), backfill: backfill.status() }) }
}
