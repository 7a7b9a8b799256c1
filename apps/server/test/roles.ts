import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { aggregate } from '../src/aggregate/aggregate.ts'
import { memoryBus } from '../src/bus/memory.ts'
import type { Candle } from '../src/domain/candle.ts'
import { silent } from '../src/lib/log.ts'
import { createMetrics } from '../src/lib/metrics.ts'
import { record } from '../src/record/record.ts'
import { embeddedStore } from '../src/store/embedded/index.ts'
import type { Store } from '../src/store/store.ts'

/** An empty store in a folder of its own, gone when the test ends. */
export async function freshStore(t: Pick<TestContext, 'after'>): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-roles-'))
  const store = await embeddedStore({ path: join(folder, 'test.db'), log: silent })
  t.after(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })
  return store
}

/** Resolves when the condition holds; gives up after a time that no sound run needs. */
export async function eventually(condition: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('what was waited for did not come')
    await sleep(5)
  }
}

/** Aggregate and record on a memory bus, as one process runs them. `candles` gathers what is published. */
export function runRoles(store: Store, timeframes: readonly string[], latenessMs = 0) {
  const stop = new AbortController()
  const bus = memoryBus()
  const metrics = createMetrics()
  const candles: Candle[] = []
  const deps = { bus, store, log: silent, metrics }
  const gather = async () => {
    for await (const batch of bus.subscribe('candles', 'test', stop.signal)) candles.push(...batch)
  }
  const running = Promise.all([
    aggregate({ ...deps, timeframes, latenessMs, settleMs: 10 }, stop.signal),
    record({ ...deps, tradeRetentionMs: Number.POSITIVE_INFINITY }, stop.signal),
    gather(),
  ])
  const idle = () => bus.depth().every(({ events }) => events === 0)
  return {
    bus,
    metrics,
    candles,
    /** Resolves when every event published so far is worked off. */
    settled: () => eventually(idle),
    async end(): Promise<void> {
      stop.abort()
      await running
    },
  }
}
