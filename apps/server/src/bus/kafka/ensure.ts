import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from '@platformatic/kafka'
import { MINUTE } from '../../domain/timeframe.ts'
import { hasAnswer, unavailable } from './errors.ts'
import type { TopicSpec } from './topics.ts'

/** Bytes of one record at most: a refill of many thousand trades is one event. */
const LARGEST_RECORD = 8 * 1024 * 1024

/** Old states are cleaned away every few minutes, so that little is read at a start. */
const COMPACTED = [
  { name: 'cleanup.policy', value: 'compact' },
  { name: 'segment.ms', value: String(5 * MINUTE) },
  { name: 'segment.bytes', value: String(64 * 1024 * 1024) },
  { name: 'min.cleanable.dirty.ratio', value: '0.2' },
]

export interface Ensure {
  /** Makes sure that topics are there. Rejects with `BUS_UNAVAILABLE`. */
  topics(names: Iterable<string>): Promise<void>
  /** Says how a topic is to be made. */
  specify(spec: TopicSpec): void
  /** Something went wrong: one may have been deleted. */
  doubt(): void
}

/** A new topic is known to every broker soon after it is made. */
const KNOWN_MS = 10_000
const LOOK_MS = 20
/** Brokers limit the partitions of one request. */
const PER_REQUEST = 100

/**
 * Creates missing topics once, as their specification says; one without a specification gets the broker's defaults.
 * Topics that are there stay as they are.
 */
export function createEnsure(admin: Admin, specs: readonly TopicSpec[]): Ensure {
  const known = new Map(specs.map((spec) => [spec.name, spec]))
  const there = new Set<string>()
  async function topics(names: Iterable<string>): Promise<void> {
    const unsure = [...new Set(names)].filter((name) => !there.has(name))
    if (unsure.length === 0) return
    try {
      const listed = new Set(await admin.listTopics())
      const missing = unsure.filter((name) => !listed.has(name)).map((name) => known.get(name) ?? { name })
      for (const alike of groupAlike(missing)) await create(admin, alike)
      if (missing.length > 0) await untilKnown(admin, unsure)
    } catch (error) {
      throw unavailable(error)
    }
    for (const name of unsure) there.add(name)
  }
  return { topics, specify: (spec) => void known.set(spec.name, spec), doubt: () => there.clear() }
}

async function untilKnown(admin: Admin, topics: string[]): Promise<void> {
  for (const end = Date.now() + KNOWN_MS; ; await sleep(LOOK_MS)) {
    try {
      await admin.metadata({ topics, forceUpdate: true })
      return
    } catch (error) {
      if (Date.now() > end) throw error
    }
  }
}

type Wanted = Pick<TopicSpec, 'name'> & Partial<TopicSpec>

function groupAlike(specs: readonly Wanted[]): Wanted[][] {
  const groups = new Map<string, Wanted[]>()
  for (const spec of specs) {
    const key = `${spec.partitions}/${spec.retention}/${spec.compacted}`
    groups.set(key, [...(groups.get(key) ?? []), spec])
  }
  return [...groups.values()].flatMap((alike) =>
    Array.from({ length: Math.ceil(alike.length / PER_REQUEST) }, (_, n) =>
      alike.slice(n * PER_REQUEST, (n + 1) * PER_REQUEST),
    ),
  )
}

async function create(admin: Admin, alike: readonly Wanted[]): Promise<void> {
  const { partitions = -1, retention, compacted } = alike[0]!
  const configs = [
    { name: 'max.message.bytes', value: String(LARGEST_RECORD) },
    ...(retention === undefined ? [] : [{ name: 'retention.ms', value: String(retention) }]),
    ...(compacted ? COMPACTED : []),
  ]
  try {
    await admin.createTopics({ topics: alike.map(({ name }) => name), partitions, replicas: -1, configs })
  } catch (error) {
    if (!hasAnswer(error, 'TOPIC_ALREADY_EXISTS')) throw error
    // Another process made one of them meanwhile, which fails only that one.
  }
}
