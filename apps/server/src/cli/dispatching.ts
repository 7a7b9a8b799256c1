import type { Config } from '../config.ts'
import { createDispatcher, type Dispatcher } from '../dispatch/dispatcher.ts'
import { routedTopics } from '../dispatch/route.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Part } from './roles.ts'
import type { Services } from './services.ts'
import { kafkaSource } from './source.ts'

interface Deps {
  readonly runs: ReadonlySet<Part>
  readonly config: Config
  readonly services: Services
  readonly log: Logger
  readonly metrics: Metrics
}

/** The dispatcher of this process; `undefined` where it does not dispatch, for want of a log, Redis or a part. */
export function dispatcherOf({ config, runs, services, log, metrics }: Deps): Dispatcher | undefined {
  const { store } = services.stores
  const { redis } = services.outside
  const { kafka } = services.eventLog
  if (!runs.has('dispatch') || !redis || !kafka) return undefined
  return createDispatcher({
    source: kafkaSource(kafka, config.KAFKA_GROUP_ID),
    topics: routedTopics(
      config.symbols.filter((symbol) => symbol !== '*'),
      config.timeframes,
    ),
    channels: redis,
    store,
    log: log.child({ role: 'dispatch' }),
    metrics,
  })
}
