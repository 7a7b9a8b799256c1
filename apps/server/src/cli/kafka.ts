import { join } from 'node:path'
import type { KafkaSettings } from '../bus/kafka/kafka.ts'
import { families, isFamily } from '../bus/kafka/topics.ts'
import type { Config } from '../config.ts'
import { HOUR } from '../domain/timeframe.ts'
import { failure } from '../lib/failure.ts'

/**
 * What the bus on Kafka needs, from the configuration; `undefined` when none is configured. `instance` names this
 * process among those that share the data folder: its outbox is its own. Topics that name a symbol are written for the
 * symbols that the configuration lists, none for `*`. Throws `INVALID_SETTING`.
 */
export function kafkaSettings(config: Config, instance: string): KafkaSettings | undefined {
  const { kafka } = config
  if (!kafka) return undefined
  const wrong = kafka.families.find((family) => !isFamily(family))
  if (wrong !== undefined)
    throw failure('INVALID_SETTING', {
      name: 'KAFKA_TOPICS',
      reason: `there is no ${wrong}, only ${families.join(', ')}`,
    })
  const perSymbol = config.KAFKA_PER_SYMBOL_TOPICS ? (['symbol', 'legacy'] as const) : []
  return {
    brokers: kafka.brokers,
    clientId: `candlewire-${instance}`,
    ...(kafka.credentials && { credentials: kafka.credentials }),
    ...(kafka.tls && { tls: kafka.tls }),
    prefix: config.KAFKA_TOPIC_PREFIX,
    partitions: config.KAFKA_PARTITIONS,
    retention: config.KAFKA_RETENTION_HOURS * HOUR,
    capacity: config.BUS_CAPACITY,
    outbox: {
      folder: join(config.CANDLEWIRE_DATA, 'outbox', instance),
      maxBytes: config.KAFKA_OUTBOX_MB * 1024 * 1024,
    },
    profile: {
      families: new Set([...kafka.families.filter(isFamily), ...perSymbol]),
      timeframes: config.timeframes,
      primaryExchange: config.PRIMARY_EXCHANGE,
      symbols: new Set(config.symbols.filter((symbol) => symbol !== '*')),
    },
  }
}
