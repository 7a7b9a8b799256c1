import { CLOSE } from '@candlewire/protocol'
import type { Metrics } from '../../lib/metrics.ts'
import { createBacklog } from './backlog.ts'
import { type Batch, batchOf, type GrowingBatch } from './batch.ts'
import { answer, type Message } from './message.ts'
import type { Transport } from './transport.ts'

export interface Totals {
  total: number
  broadcast: number
  delivered: number
  lastBroadcast: number
}

/** The sending side of one connection. */
export interface Client {
  /** Takes a message for this turn's batch; `start` is the empty batch that all clients of the turn share. */
  push(message: Message, start: GrowingBatch): void
  /** Sends the turn's batch. */
  flush(): void
  /** The socket has room again. */
  drained(): void
  /** Since when the socket has been full, ms; 0 when it is not. */
  blockedSince(): number
  readonly transport: Transport
}

export interface ClientSettings {
  readonly pendingMessages: number
  readonly closeWhenSlow: boolean
  readonly totals: Totals
  readonly metrics: Metrics
  readonly now: () => number
}

export function createClient(open: (onDrain: () => void) => Transport, settings: ClientSettings): Client {
  const { totals, metrics, now } = settings
  const backlog = createBacklog(settings.pendingMessages)
  let batch: GrowingBatch | undefined
  let blocked = 0

  const send = (what: Batch) => {
    totals.delivered += what.onChannels
    metrics.messages.inc({ outcome: 'delivered' }, what.onChannels)
    blocked = transport.write(what) ? 0 : now()
  }
  const wait = (message: Message) => {
    const { dropped, conflated } = backlog.add(message)
    if (conflated) metrics.messages.inc({ outcome: 'conflated' })
    if (!dropped) return
    metrics.messages.inc({ outcome: 'dropped' })
    if (settings.closeWhenSlow) transport.close(CLOSE.slow, 'too slow')
  }
  const flush = () => {
    const ready = batch
    batch = undefined
    if (!ready) return
    if (blocked) for (const message of ready.messages()) wait(message)
    else send(ready)
  }
  const drained = () => {
    blocked = 0
    const { messages, lagged } = backlog.take()
    const all = lagged ? [answer('lagged', lagged, now()), ...messages] : messages
    if (all.length > 0) send(batchOf(all))
  }
  const transport = open(drained)

  return {
    transport,
    push(message, start) {
      if (blocked) return wait(message)
      batch = (batch ?? start).with(message)
      // A burst in one turn counts as pending too: what is above the limit has to find room in the socket.
      if (batch.size >= settings.pendingMessages) flush()
    },
    flush,
    drained,
    blockedSince: () => blocked,
  }
}
