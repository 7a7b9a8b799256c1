import { fifo } from '../lib/fifo.ts'
import type { Batch, Bus, Topic } from './bus.ts'

/** Small batches that wait behind each other reach a slow reader as one, up to this many events. */
const MERGED_EVENTS = 512

interface Group<T extends Topic> {
  readonly name: string
  /** Events taken in and not yet committed. */
  held(): number
  /** Takes a batch in, now or when there is room; `undefined` means now. */
  offer(events: Batch<T>): Promise<void> | undefined
  /** What waits, oldest first, for one reader. */
  read(): AsyncGenerator<Batch<T>>
}

/**
 * The bus of a single process. Batches pass by reference: nobody may change one after publishing it.
 * A group is full when it holds `capacity` events, the batch in its reader's hands included; a batch is never split,
 * so the last one in may reach beyond. A reader that stops or fails holds no writer back.
 */
export function memoryBus({ capacity = 10_000 }: { capacity?: number } = {}): Bus {
  const topics: { [T in Topic]?: Set<Group<T>> } = {}

  function groupsOf<T extends Topic>(topic: T): Set<Group<T>> {
    const known: Set<Group<T>> | undefined = topics[topic]
    if (known) return known
    const made: Set<Group<T>> = new Set<Group<T>>()
    Object.assign(topics, { [topic]: made })
    return made
  }

  return {
    publish(topic, events) {
      if (events.length === 0) return DONE
      const waits: Promise<void>[] = []
      for (const group of groupsOf(topic)) {
        const wait = group.offer(events)
        if (wait) waits.push(wait)
      }
      if (waits.length === 0) return DONE
      return waits.length === 1 ? waits[0]! : Promise.all(waits).then(() => undefined)
    },

    subscribe(topic, name, signal) {
      const groups = groupsOf(topic)
      for (const group of groups) {
        if (group.name === name) throw new Error(`The group ${name} already has a reader of ${topic}`)
      }
      const group = createGroup<typeof topic>(name, capacity, signal, () => groups.delete(group))
      if (!signal.aborted) groups.add(group)
      return group.read()
    },

    depth: () =>
      Object.keys(topics).flatMap((key) => {
        const topic = key as Topic
        return [...groupsOf(topic)].map((group) => ({ topic, group: group.name, events: group.held() }))
      }),
  }
}

const DONE = Promise.resolve()

function createGroup<T extends Topic>(
  name: string,
  capacity: number,
  signal: AbortSignal,
  leave: () => void,
): Group<T> {
  const queue = fifo<Batch<T>>()
  const writers = fifo<{ events: Batch<T>; resolve: () => void }>()
  let held = 0
  let wake: (() => void) | undefined

  const take = (events: Batch<T>) => {
    held += events.length
    queue.push(events)
    wake?.()
  }
  const admit = (more: () => boolean) => {
    while (writers.size() > 0 && more()) {
      const { events, resolve } = writers.shift()!
      take(events)
      resolve()
    }
  }
  const commit = (events: number) => {
    held -= events
    admit(() => held < capacity)
  }
  // Writers that wait at the end are let in rather than turned away: there are few, and nothing they bring is lost.
  const end = () => {
    leave()
    admit(() => true)
    wake?.()
  }
  signal.addEventListener('abort', end, { once: true })

  function close() {
    signal.removeEventListener('abort', end)
    end()
    queue.clear()
    held = 0
  }

  async function* read(): AsyncGenerator<Batch<T>> {
    try {
      for (;;) {
        const batch = nextBatch(queue)
        if (batch) {
          yield batch
          commit(batch.length)
        } else if (signal.aborted) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      close()
    }
  }

  return {
    name,
    held: () => held,
    offer(events) {
      if (held < capacity && writers.size() === 0) {
        take(events)
        return undefined
      }
      return new Promise((resolve) => writers.push({ events, resolve }))
    },
    read,
  }
}

function nextBatch<T extends Topic>(queue: ReturnType<typeof fifo<Batch<T>>>): Batch<T> | undefined {
  const first = queue.shift()
  if (!first) return undefined
  let events = first.length
  const parts = [first]
  for (let next = queue.peek(); next && events + next.length <= MERGED_EVENTS; next = queue.peek()) {
    events += next.length
    parts.push(next)
    queue.shift()
  }
  return parts.length === 1 ? first : parts.flat()
}
