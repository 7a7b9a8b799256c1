/** How patient the collector is. Times in ms, sizes in trades. */
export interface CollectSettings {
  /** What is subtracted from the exchange's clock, beside the delay seen lately, before a stretch of time is called complete. */
  readonly marginMs: number
  /** How long a jump in the ids may be mere disorder before REST is asked. */
  readonly reorderMs: number
  /** How long the first trade of a fresh subscription is waited for before REST is asked what was missed. */
  readonly graceMs: number
  readonly tickMs: number
  /** Live trades kept of a market while older ones are missing; the oldest are let go first, REST has them too. */
  readonly maxHeld: number
  /** A larger hole in the ids is left to the candle repair. */
  readonly maxRefill: number
  /** REST failures in a row, of a kind that asking again can't help, after which a hole is given up. */
  readonly refillAttempts: number
  /** A hole to which REST adds nothing for this long is given up, whatever the reason. */
  readonly giveUpMs: number
  /** Markets that ask REST at the same time. */
  readonly refillsAtOnce: number
  readonly connectTimeoutMs: number
  readonly ackTimeoutMs: number
  /** A connection that shows no frame for this long is asked for one by a ping. */
  readonly pingEveryMs: number
  /** How long the old connection stays beside its successor. */
  readonly overlapMs: number
  /** A stream is never suspected earlier than after this silence, whatever its rhythm … */
  readonly silenceMinMs: number
  /** … and always after this one: the longest stretch that is ever called complete without proof. */
  readonly silenceMaxMs: number
  /** The silence allowed to a stream whose rhythm is not known yet. */
  readonly silenceUnknownMs: number
  /** Part of the request budget that goes into asking after silent streams. */
  readonly askShare: number
  /** Two connections for each stream, merged by trade id. */
  readonly hotHot: boolean
  /** Without a socket for this long, trades are polled by REST. */
  readonly pollAfterMs: number
  readonly pollEveryMs: number
  /** Events waiting for the bus above which the sockets are paused. */
  readonly highWater: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  readonly clockEveryMs: number
  /** Streams a connection, when fewer than the exchange allows are wanted. */
  readonly streamsPerConnection: number
}

export const defaults: CollectSettings = {
  marginMs: 250,
  reorderMs: 250,
  graceMs: 1_000,
  tickMs: 250,
  maxHeld: 50_000,
  maxRefill: 200_000,
  refillAttempts: 5,
  giveUpMs: 60_000,
  refillsAtOnce: 8,
  connectTimeoutMs: 10_000,
  ackTimeoutMs: 10_000,
  pingEveryMs: 1_000,
  overlapMs: 2_000,
  silenceMinMs: 2_000,
  silenceMaxMs: 60_000,
  silenceUnknownMs: 5_000,
  askShare: 0.05,
  hotHot: false,
  pollAfterMs: 30_000,
  pollEveryMs: 5_000,
  highWater: 20_000,
  backoffBaseMs: 500,
  backoffMaxMs: 30_000,
  clockEveryMs: 5 * 60_000,
  streamsPerConnection: Number.POSITIVE_INFINITY,
}
