import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Bus, Topic } from '../bus/bus.ts'
import { type KafkaBus, openKafkaBus } from '../bus/kafka/kafka.ts'
import { memoryBus } from '../bus/memory.ts'
import type { Config } from '../config.ts'
import { failure, isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { lockStore } from '../store/embedded/lock.ts'
import { kafkaSettings } from './kafka.ts'

export interface EventLog {
  readonly bus: Bus
  /** Absent where the log lives in memory. */
  readonly kafka: KafkaBus | undefined
  /** What does not answer, by name. */
  problems(): Record<string, string>
  close(): Promise<void>
}

interface Deps {
  readonly config: Config
  /** Names what this process does, beside others of this machine. */
  readonly role: string
  readonly log: Logger
  readonly metrics: Metrics
}

/**
 * The event log: Kafka's where brokers are configured, whether or not they answer yet; else this process's memory.
 * Rejects with `INVALID_SETTING`, or the system's error when the outbox can't be used.
 */
export async function openBus({ config, role, log, metrics }: Deps): Promise<EventLog> {
  if (!config.kafka) {
    const bus = memoryBus({ capacity: config.BUS_CAPACITY })
    return { bus, kafka: undefined, problems: () => ({}), close: async () => {} }
  }
  const { instance, release } = await claimInstance(join(config.CANDLEWIRE_DATA, 'outbox'), role)
  try {
    const settings = kafkaSettings(config, instance)
    if (!settings) throw new Error('brokers are configured')
    const group = groupsOf(config.KAFKA_TOPIC_PREFIX, `${hostname()}-${instance}`)
    const kafka = await openKafkaBus({ ...settings, group }, { log: log.child({ part: 'kafka' }), metrics })
    log.info({ brokers: config.kafka.brokers, instance }, 'the event log is on Kafka')
    return {
      bus: kafka,
      kafka,
      problems: (): Record<string, string> => {
        const problem = kafka.problem()
        return problem === undefined ? {} : { kafka: problem }
      },
      close: () => kafka.close().finally(release),
    }
  } catch (error) {
    release()
    throw error
  }
}

/**
 * Every process that answers clients reads all there is, from its start on, as a group of its own; the processes of any
 * other role share the work.
 */
function groupsOf(prefix: string, instance: string): (name: string, topic: Topic) => string {
  const start = Date.now()
  return (name, topic) =>
    name === 'api' ? `${prefix}ws-gateway-${instance}-${start}.${topic}` : `${prefix}${name}.${topic}`
}

const MOST_INSTANCES = 1_000

/**
 * The first free of `role-0`, `role-1`, …: the next process of the role takes over the outbox of one that ended, however it
 * ended. Held until `release`.
 */
async function claimInstance(folder: string, role: string): Promise<{ instance: string; release: () => void }> {
  for (let n = 0; n < MOST_INSTANCES; n++) {
    const instance = `${role}-${n}`
    try {
      return { instance, release: await lockStore(join(folder, instance)) }
    } catch (error) {
      if (!isFailure(error) || !error.message.includes('another server uses')) throw error
    }
  }
  throw failure('INVALID_SETTING', { name: 'CANDLEWIRE_DATA', reason: `${folder} is used by too many processes` })
}
