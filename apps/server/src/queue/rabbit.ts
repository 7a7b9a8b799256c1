import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from 'rabbitmq-client'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Queue, Work } from './queue.ts'
import { createSender, type Sender } from './sender.ts'
import { type Message, openSpool, type Spooled } from './spool.ts'

export interface RabbitSettings {
  /** `amqp://…` or `amqps://…` */
  readonly url: string
  /** The durable topic exchange of the events. */
  readonly exchange: string
  /** The file in which messages wait; of this process alone. */
  readonly path: string
  /** Events that may wait there; then the oldest are dropped. */
  readonly maxEvents?: number
  /** Pause before failed work goes to the end of its line, ms. */
  readonly retryMs?: number
  /** Longest pause between two attempts to connect or to send, ms. */
  readonly reconnectMs?: number
  readonly log: Logger
  readonly metrics: Metrics
}

/** A piece of work as it waits: ids of different kinds may be the same. */
const spooled = (kind: string, { id, body }: Work): Message => ({ id: `${kind}:${id}`, name: kind, body })

const EVENTS = 'events'
const WORK = 'work'
/** A broker that says nothing for so long is gone, s. */
const HEARTBEAT = 5
/** How long a channel is waited for before a send counts as failed, ms. */
const ACQUIRE_MS = 2_000
/** What is left to go out gets so long at the end, ms. */
const LAST_MS = 2_000

/**
 * Events and work through RabbitMQ. The broker need not answer when this is called: messages wait on the disk and go out
 * in order, each sent until the broker has confirmed it. Rejects with `QUEUE_UNAVAILABLE` when the file can't be opened.
 */
export async function rabbitQueue(settings: RabbitSettings): Promise<Queue> {
  const { url, exchange, path, maxEvents = 100_000, retryMs = 1_000, reconnectMs = 5_000, log, metrics } = settings
  const spool = await openSpool(path, log)
  const connection = new Connection({
    url,
    connectionName: 'candlewire',
    heartbeat: HEARTBEAT,
    acquireTimeout: ACQUIRE_MS,
    retryLow: Math.min(200, reconnectMs),
    retryHigh: reconnectMs,
  })
  let connected = false
  let lastError: string | undefined
  let dropped = 0

  connection.on('connection', () => {
    connected = true
    lastError = undefined
    log.info('connected to RabbitMQ')
    for (const sender of senders) sender.wake()
  })
  connection.on('error', (error: unknown) => {
    connected = false
    const reason = error instanceof Error ? error.message : String(error)
    if (reason !== lastError) log.warn({ reason }, 'RabbitMQ does not answer; what is to be sent waits on the disk')
    lastError = reason
  })

  const queueOf = (kind: string) => `${exchange}.work.${kind}`
  const events = connection.createPublisher({ confirm: true, exchanges: [{ exchange, type: 'topic', durable: true }] })
  const work = connection.createPublisher({ confirm: true })
  const declared = new Set<string>()
  const common = { durable: true, contentType: 'application/json', contentEncoding: 'utf-8', appId: 'candlewire' }

  const sendEvent = ({ id, name, body }: Spooled) =>
    events.send({ ...common, exchange, routingKey: name, messageId: id, type: name }, Buffer.from(body))

  /** What is sent to a line that nobody has declared is lost. */
  async function sendWork({ id, name, body }: Spooled): Promise<void> {
    const queue = queueOf(name)
    if (!declared.has(queue)) await connection.queueDeclare({ queue, durable: true })
    declared.add(queue)
    await work.send({ ...common, routingKey: queue, messageId: id }, Buffer.from(body))
  }

  const sent = (count: number) => metrics.events.inc({ outcome: 'sent' }, count)
  const failed = (error: unknown) => {
    declared.clear()
    lastError ??= error instanceof Error ? error.message : String(error)
    log.debug({ err: error }, 'RabbitMQ did not take a message; it is sent again')
  }
  const senders: Sender[] = [
    createSender({ spool, line: EVENTS, send: sendEvent, sent, failed, retryMs: reconnectMs }),
    createSender({ spool, line: WORK, send: sendWork, sent: () => {}, failed, retryMs: reconnectMs }),
  ]
  const wake = () => {
    for (const sender of senders) sender.wake()
    metrics.outbox.set(spool.size(EVENTS) + spool.size(WORK))
  }

  return {
    async publish(list) {
      spool.append(
        EVENTS,
        list.map(({ id, event, body }) => ({ id, name: event, body })),
      )
      const surplus = spool.trim(EVENTS, maxEvents)
      if (surplus > 0) {
        if (dropped === 0) log.error({ maxEvents }, 'too many events wait for RabbitMQ: the oldest are dropped')
        dropped += surplus
        metrics.events.inc({ outcome: 'dropped' }, surplus)
      }
      wake()
    },
    async add(kind, pieces) {
      spool.append(
        WORK,
        pieces.map((piece) => spooled(kind, piece)),
      )
      wake()
    },
    async work(kind, handle, signal) {
      const queue = queueOf(kind)
      const consumer = connection.createConsumer(
        { queue, queueOptions: { durable: true }, qos: { prefetchCount: 1 }, concurrency: 1 },
        async ({ messageId, body }) => {
          const piece = { id: String(messageId ?? '').slice(kind.length + 1), body: String(body) }
          try {
            await handle(piece)
          } catch (error) {
            log.warn({ kind, id: piece.id, err: error }, 'work failed; it is tried again')
            await sleep(retryMs, undefined, { signal }).catch(() => {})
            // The one that has just come may still be waiting for its confirmation there.
            spool.putLast(WORK, spooled(kind, piece))
            wake()
          }
        },
      )
      consumer.on('error', (error: unknown) => log.warn({ kind, err: error }, 'taking work from RabbitMQ failed'))
      if (!signal.aborted)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      await consumer.close()
    },
    status: () => ({
      connected: connected && connection.ready,
      waiting: spool.size(EVENTS) + spool.size(WORK),
      dropped,
      ...(lastError !== undefined && { lastError }),
    }),
    async close() {
      const patience = connection.ready ? LAST_MS : 0
      await Promise.all(senders.map((sender) => sender.close(patience)))
      if (connection.ready) {
        const closing = Promise.allSettled([events.close(), work.close()]).then(() => connection.close())
        // It waits for every channel: workers that go on would keep it for ever.
        await Promise.race([closing.catch(() => {}), sleep(LAST_MS, undefined, { ref: false })])
      }
      connection.unsafeDestroy()
      await Promise.all(senders.map((sender) => sender.ended))
      spool.close()
    },
  }
}
