import { setTimeout as sleep } from 'node:timers/promises'
import { aggregate, type Pace } from '../../aggregate/aggregate.ts'
import { memoryBus } from '../../bus/memory.ts'
import type { TradeBatch } from '../../domain/trade.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { record } from '../../record/record.ts'
import type { Store } from '../../store/store.ts'

interface Deps {
  readonly store: Store
  readonly timeframes: readonly string[]
  readonly latenessMs: number
  readonly log: Logger
  readonly metrics: Metrics
}

const LOOK_MS = 2
/** Rounds of errands at the end: more than the aggregator ever makes of its own accord. */
const ROUNDS = 6
const FAR_MS = 3_600_000

/**
 * The roles from the bus to the store, as they run live, with errands that wait for the end of the input: what is
 * stored depends on the trades alone, not on how fast they came.
 */
export function openPipeline({ store, timeframes, latenessMs, log, metrics }: Deps) {
  const bus = memoryBus()
  const cranks = new Set<() => Promise<void>>()
  let at = 0
  const pace: Pace = {
    now: () => at,
    async every(_ms, work, signal) {
      cranks.add(work)
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      cranks.delete(work)
    },
  }
  const making = new AbortController()
  const storing = new AbortController()
  let failed: unknown
  const role = (run: Promise<void>): Promise<void> =>
    run.catch((error: unknown) => {
      failed ??= error
      making.abort()
      storing.abort()
    })
  const storer = role(record({ bus, store, tradeRetentionMs: Number.POSITIVE_INFINITY, log, metrics }, storing.signal))
  const maker = role(
    // Forming candles are no part of what is stored.
    aggregate({ bus, store, timeframes, latenessMs, formingMs: Infinity, pace, log, metrics }, making.signal),
  )
  const check = () => {
    if (failed !== undefined) throw failed
  }

  async function idle(): Promise<void> {
    while (bus.depth().some(({ events }) => events > 0)) await sleep(LOOK_MS)
    check()
  }

  return {
    /** Waits while the roles are behind. Rejects when one has failed. */
    async take(batches: readonly TradeBatch[]): Promise<void> {
      check()
      await bus.publish('trades', batches)
    },
    /** Resolves when everything is stored. */
    async finish(): Promise<void> {
      await idle()
      for (let round = 0; round < ROUNDS; round++) {
        at += FAR_MS
        for (const work of cranks) await work()
        await idle()
      }
    },
    /** Stops the roles, whatever they do. */
    async close(): Promise<void> {
      making.abort()
      await maker
      storing.abort()
      await storer
    },
  }
}
