import { createDispatcher, type Dispatcher } from '../dispatch/dispatcher.ts'
import { routedTopics } from '../dispatch/route.ts'
import type { MessageStore, Store } from '../store/store.ts'
import type { Parts } from './parts.ts'
import { kafkaSource } from './source.ts'

const keepsMessages = (store: Store | (Store & MessageStore)): store is Store & MessageStore => 'putMessages' in store

/** The dispatcher of this process: there is one where both Kafka and Redis are set. */
export function dispatcherOf({ config, log, metrics, store, outside, eventLog }: Parts): Dispatcher | undefined {
  const { channels } = outside
  if (!eventLog.kafka || !channels) return undefined
  if (!keepsMessages(store)) {
    log.warn('this store keeps no messages of other services, so nothing is dispatched')
    return undefined
  }
  const symbols = config.KAFKA_PER_SYMBOL_TOPICS ? config.symbols.filter((symbol) => symbol !== '*') : []
  return createDispatcher({
    source: kafkaSource(eventLog.kafka, config.KAFKA_GROUP_ID),
    topics: routedTopics(symbols, config.timeframes),
    channels,
    store,
    log: log.child({ role: 'dispatch' }),
    metrics,
  })
}
