import { randomUUID } from 'node:crypto'
import type { Bus, Topic } from '../bus/bus.ts'
import { openKafkaBus } from '../bus/kafka/kafka.ts'
import { memoryBus } from '../bus/memory.ts'
import type { Config } from '../config.ts'
import type { RecordSource } from '../dispatch/source.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { kafkaSettings } from './kafka.ts'

/** The event log of this process. */
export interface OpenBus {
  readonly bus: Bus
  /** Records as text, for the dispatcher; absent where the log lives in memory. */
  readonly source?: (groupId: string) => RecordSource
  /** What keeps the log from taking events, by name; empty when nothing does. */
  problems(): Record<string, string>
  /** The services behind it. */
  readonly services: readonly string[]
  close(): Promise<void>
}

/** Opens the event log that is configured: Kafka, else memory. `instance` names this process among all. Throws `INVALID_SETTING`. */
export async function openBus(config: Config, log: Logger, metrics: Metrics, instance: string): Promise<OpenBus> {
  const settings = kafkaSettings(config, instance)
  if (!settings) {
    const bus = memoryBus({ capacity: config.BUS_CAPACITY })
    return { bus, services: [], problems: () => ({}), close: async () => {} }
  }
  const reader = `ws-gateway-${instance}-${randomUUID().slice(0, 8)}`
  const group = (name: string, topic: Topic) =>
    // Each API shows everything, from now on: a group of its own, and a new one at each start.
    name === 'api' ? `${reader}.${topic}` : `${settings.prefix}${name}.${topic}`
  const bus = await openKafkaBus({ ...settings, group }, { log: log.child({ part: 'bus' }), metrics })
  return {
    bus,
    services: ['kafka'],
    problems() {
      const problems: Record<string, string> = {}
      if (bus.away()) problems.kafka = 'the broker does not answer; events wait on disk'
      return problems
    },
    close: bus.close,
  }
}
