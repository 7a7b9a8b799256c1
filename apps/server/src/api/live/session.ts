import { CLOSE, type LiveError, type SubscribeMessage } from '@candlewire/protocol'
import type { Metrics } from '../../lib/metrics.ts'
import type { Catalog, LiveLimits } from '../deps.ts'
import { resolve } from './catalog.ts'
import { type Channel, keyOf, subscriptionOf } from './channel.ts'
import type { Client } from './client.ts'
import type { Hub } from './hub.ts'
import { createBucket, createFloodGuard } from './limits.ts'
import { answer } from './message.ts'
import { parseMessage } from './parse.ts'

export interface SessionDeps {
  readonly hub: Hub
  readonly catalog: Catalog
  readonly limits: LiveLimits
  readonly metrics: Metrics
  readonly now: () => number
}

/** The receiving side of one connection: reads the client's messages and answers them. */
export interface Session {
  /** One text frame. Never throws. */
  receive(text: string): void
  subscriptions(): Iterable<Channel>
}

export function createSession(client: Client, { hub, catalog, limits, metrics, now }: SessionDeps): Session {
  const subscriptions = new Map<string, Channel>()
  const mayTalk = createBucket(limits.messagesPerSecond, limits.messageBurst, now)
  const isFlood = createFloodGuard(limits.badMessages, limits.badMessageWindow, now)

  const refuse = (error: LiveError) => {
    metrics.refusedMessages.inc({ code: error.code })
    hub.tell(client, answer('error', error, now()))
    if (isFlood()) client.transport.close(CLOSE.policy, 'too many bad messages')
  }
  const subscribe = (channel: Channel, from: SubscribeMessage['recover']) => {
    const missed = from && hub.missed(channel, from)
    subscriptions.set(keyOf(channel), channel)
    hub.subscribe(client, channel)
    const recovered = from && { recovered: missed !== undefined }
    hub.tell(
      client,
      answer('subscribed', { ...subscriptionOf(channel), ...hub.position(channel), ...recovered }, now()),
    )
    for (const message of missed ?? []) hub.tell(client, message)
    if (!missed && channel.type === 'candles') hub.tellForming(client, channel)
  }
  const unsubscribe = (channel: Channel) => {
    subscriptions.delete(keyOf(channel))
    hub.unsubscribe(client, channel)
    hub.tell(client, answer('unsubscribed', subscriptionOf(channel), now()))
  }
  const list = () => hub.tell(client, answer('subscriptions', [...subscriptions.values()].map(subscriptionOf), now()))

  return {
    receive(text) {
      if (!mayTalk()) return refuse({ code: 'RATE_LIMITED', message: `${limits.messagesPerSecond} messages a second` })
      const parsed = parseMessage(text)
      if ('error' in parsed) return refuse(parsed.error)
      const { message } = parsed
      if (message.action === 'ping') return hub.tell(client, answer('pong', { time: now() }, now()))
      if (message.action !== 'subscribe' && message.action !== 'unsubscribe') return list()
      const resolved = resolve(message, catalog)
      if ('error' in resolved) return refuse(resolved.error)
      if (message.action === 'subscribe') subscribe(resolved.channel, message.recover)
      else unsubscribe(resolved.channel)
    },
    subscriptions: () => subscriptions.values(),
  }
}
