/** What is written: one event under the key of its market. */
export interface Outgoing {
  readonly topic: string
  /** `{exchange}:{symbol}`; records of one key keep their order. */
  readonly key: string
  /** UTF-8 text. */
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** What is read. Offsets of one partition of a topic grow, with holes. */
export interface Incoming {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
  /** Of the record, ms. */
  readonly time: number
}

/** Where a group stands: the next offset it wants. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export const partitionKey = ({ topic, partition }: { topic: string; partition: number }): string =>
  `${topic}/${partition}`
