import type {
  CoverageNotice,
  Lagged,
  LiveCandle,
  LiveError,
  LiveTrade,
  Pong,
  ServerEvents,
  Subscription,
} from '@candlewire/protocol'

/** A message of the server, or an event of the client itself. `timestamp` is its send time, ms. */
export type WSMessage = { type: string; data: unknown; timestamp: number; seq?: number }

/** Fields that Candlewire adds to the CryptoViz protocol; a server that only speaks the original leaves them out. */
type Additive<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>

/** A channel as a server names it. */
export interface ChannelName {
  readonly type: string
  readonly symbol: string
  readonly timeframe?: string
  readonly exchange?: string
}

/** A jump in a channel's `seq`. Forming candles may be skipped on purpose (conflation); trades never are. */
export interface SeqGap extends ChannelName {
  /** First and last number that did not arrive. */
  readonly from_seq: number
  readonly to_seq: number
}

/** `data` by event name. What is not listed here arrives as `unknown`. */
export interface ClientEvents {
  candle: Additive<LiveCandle, 'exchange' | 'closed'>
  correction: Additive<ServerEvents['correction'], 'exchange' | 'closed'>
  /** What is known of a stretch of candles has changed: `unknown`, or `repaired`. */
  coverage: CoverageNotice
  trade: Additive<LiveTrade, 'exchange' | 'id'>
  subscribed: Additive<Subscription, 'exchange'>
  unsubscribed: Additive<Subscription, 'exchange'>
  subscriptions: Additive<Subscription, 'exchange'>[]
  pong: Partial<Pong>
  error: { message: string; code?: LiveError['code'] | 'MESSAGE_TOO_LONG' }
  /** The server says what it dropped because this client read too slowly. */
  lagged: Lagged
  /** The connection is open and the subscriptions are on their way. */
  open: { url: string; reconnected: boolean }
  close: { code: number; reason: string }
  /** Follows `close`: the wait before the next try. `attempt` counts from 1. */
  reconnecting: { attempt: number; delay_ms: number }
  /** A subscription is back after a reconnect. `complete`: the server sent all that was missed; else re-read REST. */
  recovered: ChannelName & { complete: boolean }
  gap: SeqGap
}

export type EventMessage<E extends keyof ClientEvents> = WSMessage & { data: ClientEvents[E] }
