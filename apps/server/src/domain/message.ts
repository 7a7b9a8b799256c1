/** A record of another service that passes through us and is kept: a signal, an order, an execution. */
export interface Message {
  /** Where it came in: `signals`, `executions`, `orders`, `analyzer.signals`. */
  readonly topic: string
  /** Names it within its topic. */
  readonly id: string
  /** The record's key; empty when it has none. */
  readonly key: string
  /** What it is about, where it says so; else empty. */
  readonly symbol: string
  /** When it happened, as it says itself, else when it was received; ms. */
  readonly time: number
  /** Our clock, ms. */
  readonly received: number
  /** As it came. */
  readonly payload: string
}
