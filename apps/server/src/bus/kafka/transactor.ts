import type { BaseOptions, Consumer, Producer } from '@platformatic/kafka'
import { closeAll, groupConsumer, transactionalProducer } from './client.ts'
import type { Ensure } from './ensure.ts'
import { isRefusal, refused, unavailable } from './errors.ts'
import { chunks, messageBefore, noteEnds, toMessage } from './messages.ts'
import type { Outgoing, Position } from './record.ts'

/** Where a group stands, and as which of its members it says so; a group without members has neither id nor generation. */
export interface Progress {
  readonly group: string
  readonly memberId: string
  readonly generationId: number
  readonly positions: readonly Position[]
}

/** Writes that become visible together, or never. */
export interface Transaction {
  /** Rejects with `BUS_REFUSED` or `BUS_UNAVAILABLE`; the transaction is then lost. */
  publish(records: readonly Outgoing[]): Promise<void>
  /** The group moves to these positions when the transaction commits. A member that has been replaced is refused. */
  commitOffsets(progress: Progress): Promise<void>
}

/** The end of what was written to each partition (`topic/partition`), exclusive, without the transaction's marker. */
export type Ends = ReadonlyMap<string, bigint>

export interface Transactor {
  /**
   * Ends whatever an earlier holder of the id has left open, and locks that holder out. Afterwards the committed
   * positions tell whether its last transaction took place. Rejects with `BUS_UNAVAILABLE`.
   */
  open(): Promise<void>
  /**
   * One transaction; one at a time. When `work` rejects, nothing of it is visible and its error is passed on.
   * When the commit itself gets no answer, it rejects and nobody knows: `open` and look at the committed positions.
   */
  run(work: (tx: Transaction) => Promise<void>): Promise<Ends>
  close(): Promise<void>
}

type ClientTransaction = Awaited<ReturnType<Producer['beginTransaction']>>

interface Clients {
  readonly producer: Producer
  /** By group. They never join it: the client wants one to name its group and to find the coordinator. */
  readonly groups: Map<string, Consumer>
}

/** Transactions under one id, which belongs to one holder at a time. */
export function createTransactor(options: BaseOptions, ensure: Ensure, transactionalId: string): Transactor {
  let clients: Clients | undefined
  /** Grows when what is open or being opened is given up, so that a late answer does not bring it back. */
  let epoch = 0

  async function discard(old = clients) {
    if (clients === old) {
      clients = undefined
      epoch++
    }
    if (old) await closeAll([old.producer, ...old.groups.values()])
  }

  async function open(): Promise<Clients> {
    if (clients) return clients
    const mine = epoch
    const producer = transactionalProducer(options, transactionalId)
    try {
      const first = await producer.beginTransaction()
      await first.cancel()
      if (mine !== epoch || clients) throw new Error('it was closed meanwhile')
      clients = { producer, groups: new Map() }
      return clients
    } catch (error) {
      await closeAll([producer])
      throw unavailable(error)
    }
  }

  return {
    open: async () => {
      await open()
    },
    async run(work) {
      const opened = await open()
      const ends = new Map<string, bigint>()
      try {
        const transaction = await opened.producer.beginTransaction().catch(fail)
        await attempt(transaction, () => work(operations(opened, transaction, { options, ensure, ends })))
        return ends
      } catch (error) {
        // Whatever state it is in, a new one begins clean: it ends what this one has left.
        await discard(opened)
        ensure.doubt()
        throw error
      }
    },
    close: () => discard(),
  }
}

const fail = (error: unknown): never => {
  throw unavailable(error)
}

/** Commits when the work is done, aborts when it fails. */
async function attempt(transaction: ClientTransaction, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    await transaction.abort().catch(() => {})
    throw error
  }
  await transaction.commit().catch(fail)
}

/** Requests go one after the other: the client joins requests of a kind that run side by side, whatever they are about. */
function operations(
  { producer, groups }: Clients,
  transaction: ClientTransaction,
  { options, ensure, ends }: { options: BaseOptions; ensure: Ensure; ends: Map<string, bigint> },
): Transaction {
  const consumerOf = (group: string): Consumer => {
    const consumer = groups.get(group) ?? groupConsumer(options, group)
    groups.set(group, consumer)
    return consumer
  }
  return {
    async publish(records) {
      if (records.length === 0) return
      const topics = [...new Set(records.map(({ topic }) => topic))]
      await ensure.topics(topics)
      const metadata = await producer.metadata({ topics }).catch(fail)
      for (const chunk of chunks(records)) {
        const messages = chunk.map((record) => toMessage(record, metadata))
        const result = await transaction.send({ messages }).catch((error: unknown) => {
          throw isRefusal(error) ? refused(chunk[0]!.topic, error) : unavailable(error)
        })
        noteEnds(ends, messages, result)
      }
    },
    async commitOffsets({ group, memberId, generationId, positions }) {
      const consumer = consumerOf(group)
      try {
        const coordinatorId = await consumer.findGroupCoordinator()
        const member = { groupId: group, memberId, generationId, coordinatorId }
        await transaction.addConsumer(consumer)
        for (const position of positions) await transaction.addOffset(messageBefore(position, member))
      } catch (error) {
        throw unavailable(error)
      }
    },
  }
}
