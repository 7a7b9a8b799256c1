import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../lib/log.ts'
import type { OutgoingEvent, Queue } from './queue.ts'
import { openSpool } from './spool.ts'

export interface EmbeddedQueueSettings {
  /** The file; it and its folder are made when they are not there. */
  readonly path: string
  /** Events that may wait; then the oldest are dropped. */
  readonly maxEvents?: number
  /** Pause before failed work goes to the end of its line, ms. */
  readonly retryMs?: number
  readonly log: Logger
}

export interface EmbeddedQueue extends Queue {
  /** Events in order, from where the last reader stopped; asking for the next forgets the one before. One reader at a time. */
  events(signal: AbortSignal): AsyncIterable<OutgoingEvent>
}

const EVENTS = 'events'
const lineOf = (kind: string): string => `work:${kind}`

/** The queue of a single process, in one file. Rejects with `QUEUE_UNAVAILABLE`. */
export async function embeddedQueue(settings: EmbeddedQueueSettings): Promise<EmbeddedQueue> {
  const { path, maxEvents = 100_000, retryMs = 1_000, log } = settings
  const spool = await openSpool(path, log)
  const inHand = new Set<number>()
  const waiting = new Set<() => void>()
  const kinds = new Set<string>()
  let dropped = 0

  const wake = () => {
    for (const go of waiting) go()
    waiting.clear()
  }
  /** Resolves when something may have come, or the signal has aborted. */
  function change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (signal.aborted) resolve()
    waiting.add(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    return promise.finally(() => waiting.delete(resolve))
  }

  return {
    async publish(events) {
      spool.append(
        EVENTS,
        events.map(({ id, event, body }) => ({ id, name: event, body })),
      )
      dropped += spool.trim(EVENTS, maxEvents)
      wake()
    },
    async *events(signal) {
      while (!signal.aborted) {
        const [next] = spool.first(EVENTS, 1)
        if (next) {
          yield { id: next.id, event: next.name, body: next.body }
          spool.remove(EVENTS, [next.sequence])
        } else await change(signal)
      }
    },
    async add(kind, work) {
      kinds.add(lineOf(kind))
      spool.append(
        lineOf(kind),
        work.map(({ id, body }) => ({ id, name: kind, body })),
      )
      wake()
    },
    async work(kind, handle, signal) {
      const line = lineOf(kind)
      kinds.add(line)
      while (!signal.aborted) {
        const next = spool.first(line, inHand.size + 1).find(({ sequence }) => !inHand.has(sequence))
        if (!next) {
          await change(signal)
          continue
        }
        inHand.add(next.sequence)
        try {
          await handle({ id: next.id, body: next.body })
          spool.remove(line, [next.sequence])
        } catch (error) {
          log.warn({ kind, id: next.id, err: error }, 'work failed; it is tried again')
          await sleep(retryMs, undefined, { signal }).catch(() => {})
          spool.putLast(line, next)
        } finally {
          inHand.delete(next.sequence)
          wake()
        }
      }
    },
    status: () => ({
      connected: true,
      waiting: [EVENTS, ...kinds].reduce((sum, line) => sum + spool.size(line), 0),
      dropped,
    }),
    close: async () => spool.close(),
  }
}
