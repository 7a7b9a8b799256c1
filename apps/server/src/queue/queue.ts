/** Something that happened, told to applications outside. */
export interface OutgoingEvent {
  /** The same for the same event however often it is told, so that who hears it twice can tell. */
  readonly id: string
  /** What kind it is, in dotted words: `crypto.price.updated`. */
  readonly event: string
  /** JSON, sent as it is. */
  readonly body: string
}

/** A piece of work. */
export interface Work {
  readonly id: string
  readonly body: string
}

export interface QueueStatus {
  /** Whether events go out at the moment. */
  readonly connected: boolean
  /** Events and work on this machine's disk that have not gone out yet. */
  readonly waiting: number
  /** Events that were dropped since the start because the disk held as many as it may. */
  readonly dropped: number
  readonly lastError?: string
}

/** Events out, and work that is done by one of many. */
export interface Queue {
  /**
   * Takes events in; resolves when they are on the disk. They go out in this order, at least once each. One whose id
   * still waits is left out; when too many wait the oldest are dropped and counted. Rejects with `QUEUE_UNAVAILABLE`
   * when the disk fails.
   */
  publish(events: readonly OutgoingEvent[]): Promise<void>
  /** Puts work in line. Resolves when it is on a disk; rejects with `QUEUE_UNAVAILABLE` when it is not. */
  add(kind: string, work: readonly Work[]): Promise<void>
  /**
   * Does work of a kind, one piece at a time; many workers, in any process, share a line. A piece is done when `handle`
   * resolves. When it rejects, the piece goes to the end of the line after a pause; when the process dies, to another
   * worker: so `handle` must bear being called again. Resolves after the piece in hand when the signal aborts.
   */
  work(kind: string, handle: (work: Work) => Promise<void>, signal: AbortSignal): Promise<void>
  status(): QueueStatus
  /** Stops sending. What has not gone out stays on the disk for the next start. */
  close(): Promise<void>
}
