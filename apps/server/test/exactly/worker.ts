import { join } from 'node:path'
import { aggregate } from '../../src/aggregate/aggregate.ts'
import { openKafkaBus } from '../../src/bus/kafka/kafka.ts'
import { silent } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { embeddedStore } from '../../src/store/embedded/index.ts'
import { LATENESS_MS, settingsOf, TIMEFRAMES } from './load.ts'

/** One aggregate process among several: `worker.ts broker prefix exchange folder`. Stops on SIGTERM. */
const [broker = '', prefix = '', exchange = '', folder = ''] = process.argv.slice(2)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

const metrics = createMetrics()
const bus = await openKafkaBus(settingsOf(broker, prefix, exchange, folder), { log: silent })
const store = await embeddedStore({ path: join(folder, 'test.db'), log: silent })
try {
  const deps = { bus, store, timeframes: TIMEFRAMES, latenessMs: LATENESS_MS, log: silent, metrics }
  const running = aggregate(deps, stop.signal)
  // What a bus writes comes after its readers have their place in the log.
  await bus.publish('feed', [{ exchange, symbol: 'x', state: 'up', reason: '', time: 1 }])
  process.stdout.write('running\n')
  await running
} finally {
  await bus.close()
  await store.close()
}
