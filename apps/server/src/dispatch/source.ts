/** A record of the event log, as text. */
export interface SourceRecord {
  readonly topic: string
  /** Names this record among all, and is the same when it is read again: topic, partition and offset. */
  readonly id: string
  /** Empty when it has none. */
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

export interface RecordBatch {
  readonly records: readonly SourceRecord[]
  /** Says that this batch and all before it are done: they are not read again after a restart. */
  commit(): Promise<void>
}

export interface SourceStatus {
  readonly connected: boolean
  readonly groupId: string
  /** What this process reads, as `topic:partition`. */
  readonly assignments: readonly string[]
  /** Records not read yet, by topic. */
  readonly lag: Readonly<Record<string, number>>
}

/** Where records come from. */
export interface RecordSource {
  /**
   * Batches of these topics, in order within a partition, from the first record that was never committed; waits for more
   * until the signal aborts. The next batch may be asked for before the one before is committed.
   */
  read(topics: readonly string[], signal: AbortSignal): AsyncIterable<RecordBatch>
  status(): SourceStatus
}
