import type { Cache, Channels } from '../cache/cache.ts'
import type { Message } from '../domain/message.ts'
import { isFailure } from '../lib/failure.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { persevere } from '../lib/persevere.ts'
import type { MessageStore } from '../store/store.ts'
import { createFigures, type Figures } from './figures.ts'
import { messageOf } from './message.ts'
import { type Route, routeOf } from './route.ts'
import type { RecordBatch, RecordSource, SourceRecord, SourceStatus } from './source.ts'

export interface DispatcherDeps {
  readonly source: RecordSource
  /** What is read; see `routedTopics`. */
  readonly topics: readonly string[]
  readonly channels: Channels & Pick<Cache, 'status'>
  readonly store: MessageStore & { ping(): Promise<void> }
  /** Our clock, ms. */
  readonly now?: () => number
  readonly log: Logger
  readonly metrics: Metrics
}

export interface DispatcherStatus extends ReturnType<Figures['read']> {
  readonly source: SourceStatus
  readonly channels: ReturnType<Cache['status']>
  /** Why the store does not answer; absent when it does. */
  readonly storeProblem?: string
  /** Messages in memory that the store has not taken yet. */
  readonly buffered: number
}

export interface Dispatcher {
  /**
   * The role: every record of the topics to the Redis channel of the same name, unchanged and once; those of other
   * services into the store too. A record is committed when it is published and stored. While Redis is away it waits;
   * while the store is away it goes on until its memory is full. Resolves when the signal aborts and what was published
   * is stored, or could not be.
   */
  run(signal: AbortSignal): Promise<void>
  status(): Promise<DispatcherStatus>
}

/** Messages, and batches, that may wait for the store. */
const MAX_WAITING = 10_000

/** Makes a dispatcher that does not run yet. */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { source, topics, channels, store, now = Date.now, log, metrics } = deps
  const figures = createFigures(now)
  let rowsWaiting = 0
  let batchesWaiting = 0
  /** What is being stored and committed, in order. */
  let tail = Promise.resolve()
  /** Messages of a batch were given up on: to commit a later one would lose them. */
  let torn = false
  let roomer: (() => void) | undefined

  function routable(records: readonly SourceRecord[]): { record: SourceRecord; route: Route }[] {
    return records.flatMap((record) => {
      const route = routeOf(record.topic)
      if (!route) figures.failed(1, `no route for the topic ${record.topic}`)
      return route ? [{ record, route }] : []
    })
  }

  async function publish(list: readonly { record: SourceRecord; route: Route }[], signal: AbortSignal): Promise<void> {
    const messages = list.map(({ record, route }) => ({
      channel: route.channel,
      payload: record.value,
      id: record.headers['event-id'] || record.id,
    }))
    const send = async () => {
      try {
        return await channels.publish(messages)
      } catch (error) {
        figures.failed(0, isFailure(error) ? error.message : String(error))
        throw error
      }
    }
    const listeners = await persevere(send, 'publish to Redis', log, signal)
    for (const [index, { route }] of list.entries()) {
      if (listeners[index] === -1) figures.duplicate()
      else {
        figures.routed(route)
        metrics.routed.inc({ topic: route.topic, channel: route.channel })
      }
    }
  }

  async function keep(rows: readonly Message[], signal: AbortSignal): Promise<void> {
    if (rows.length === 0) return
    try {
      await persevere(() => store.putMessages(rows), 'store messages', log, signal)
      figures.persisted(rows.length)
      metrics.written.inc({ table: 'messages' }, rows.length)
    } catch (error) {
      torn = signal.aborted
      if (torn) throw error
      figures.failed(rows.length, error instanceof Error ? error.message : String(error))
      log.error({ err: error, messages: rows.length }, 'the store does not take these messages; they are left out')
    }
  }

  async function finish(rows: readonly Message[], batch: RecordBatch, signal: AbortSignal): Promise<void> {
    try {
      if (!torn) await keep(rows, signal)
      if (!torn) await batch.commit()
    } catch (error) {
      // It is read again after the next start, and published no second time.
      figures.failed(0, error instanceof Error ? error.message : String(error))
      log.warn({ err: error }, 'a batch could not be finished; it will be read again')
    }
    rowsWaiting -= rows.length
    batchesWaiting--
    roomer?.()
  }

  async function room(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (rowsWaiting >= MAX_WAITING || batchesWaiting >= MAX_WAITING))
      await new Promise<void>((resolve) => (roomer = resolve))
  }

  async function take(batch: RecordBatch, signal: AbortSignal): Promise<void> {
    const received = now()
    const started = performance.now()
    figures.consumed(batch.records.length)
    const list = routable(batch.records)
    await publish(list, signal)
    figures.took(performance.now() - started)
    const rows = list.filter(({ route }) => route.kept).map(({ record }) => messageOf(record, received))
    rowsWaiting += rows.length
    batchesWaiting++
    tail = tail.then(() => finish(rows, batch, signal))
    await room(signal)
  }

  return {
    async run(signal) {
      const stop = () => roomer?.()
      signal.addEventListener('abort', stop, { once: true })
      try {
        for await (const batch of source.read(topics, signal)) await take(batch, signal)
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        signal.removeEventListener('abort', stop)
        await tail
      }
    },
    async status() {
      const storeProblem = await store.ping().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : 'no answer'),
      )
      return {
        ...figures.read(),
        source: source.status(),
        channels: channels.status(),
        ...(storeProblem !== undefined && { storeProblem }),
        buffered: rowsWaiting,
      }
    },
  }
}
