import { setTimeout as sleep } from 'node:timers/promises'
import { marketKey } from '../../domain/market.ts'
import { isFailure } from '../../lib/failure.ts'
import type { Logger } from '../../lib/log.ts'
import type { Batch, Begin, Output, Taken, Topic, Worker } from '../bus.ts'
import type { Kept } from './kept.ts'
import { type Incoming, type Outgoing, type Position, partitionKey } from './record.ts'
import type { Progress, Transactor } from './transactor.ts'

/** A subscription whose positions are committed by transactions. */
export interface Source {
  read(): AsyncIterable<readonly Incoming[]>
  /** For `Transaction.commitOffsets`: the group has dealt with these records and all before. */
  progress(records: readonly Incoming[]): Progress
  /** Goes back to where the group stands, in the partitions that are this member's. */
  rewind(): Promise<readonly Position[]>
  /** Whether this is the last batch, and was read since the last `rewind`. */
  isCurrent(records: readonly Incoming[]): boolean
  /** Changes when partitions may have changed hands. */
  generation(): number
  /** Ends it at once. */
  close(): Promise<void>
}

interface Parts<F extends Topic, M extends Topic> {
  readonly begin: Begin<F, M>
  readonly signal: AbortSignal
  readonly log: Logger
  /** Of one id, so that the next ends what the one before may have left open. */
  readonly transactions: () => Transactor
  readonly source: () => Source
  readonly kept: (standing: readonly Position[]) => Promise<Kept>
  /** The events of records, in runs of one topic. Those that hold none are told about. */
  readonly read: (records: readonly Incoming[], bad: (record: Incoming, reason: string) => void) => Taken<F | M>[]
  /** Those of records of the first topic. */
  readonly readAgain: (records: readonly Incoming[]) => Batch<F>
  readonly letter: (record: Incoming, reason: string) => Outgoing
  readonly records: <O extends Topic>(topic: O, events: Batch<O>) => Outgoing[]
}

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000
/** After an abort: how long to wait for the step under way. A broker that does not answer must not hold the process. */
const STOP_MS = 5_000
/** How often the worker is asked though no events came. */
const TICK_MS = 100

/**
 * Batch after batch, each in a transaction. When one is lost it goes on from the committed offsets, as the member of the
 * group that it is: leaving would cost the other members their transactions, and theirs ours.
 */
export async function processEach<F extends Topic, M extends Topic>(parts: Parts<F, M>): Promise<void> {
  const { signal, log } = parts
  const source = parts.source()
  const pull = puller(source.read())
  let wait = FIRST_WAIT_MS
  const gaveUp = Promise.withResolvers<'end'>()
  let patience: NodeJS.Timeout | undefined
  const giveUp = () => {
    patience = setTimeout(gaveUp.resolve, STOP_MS, 'end')
  }
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    while (!signal.aborted) {
      try {
        const running = run(parts, source, pull, () => (wait = FIRST_WAIT_MS))
        if ((await Promise.race([running, gaveUp.promise])) === 'end') return
      } catch (error) {
        if (!isFailure(error) || error.code !== 'BUS_UNAVAILABLE') throw error
        log.warn({ err: error, waitMs: wait }, 'Kafka: a transaction was lost, going on from the last')
        await sleep(wait, undefined, { signal }).catch(() => {})
        wait = Math.min(wait * 2, LONGEST_WAIT_MS)
      }
    }
  } finally {
    signal.removeEventListener('abort', giveUp)
    clearTimeout(patience)
    await source.close()
  }
}

type Pulled = { readonly done: boolean; readonly records: readonly Incoming[] }

/** Asks for the next batch, at most for a while; what comes later is the answer to the next question. */
function puller(batches: AsyncIterable<readonly Incoming[]>): () => Promise<Pulled> {
  const iterator = batches[Symbol.asyncIterator]()
  let asked: Promise<Pulled> | undefined
  const nothing: Pulled = { done: false, records: [] }
  return async () => {
    asked ??= iterator.next().then(({ done, value }) => ({ done: done === true, records: done ? [] : value }))
    let timer: NodeJS.Timeout | undefined
    const tick = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, TICK_MS, undefined)))
    const pulled = await Promise.race([asked, tick])
    clearTimeout(timer)
    if (pulled) asked = undefined
    return pulled ?? nothing
  }
}

/** One worker, until partitions change hands. */
async function run<F extends Topic, M extends Topic>(
  parts: Parts<F, M>,
  source: Source,
  pull: () => Promise<Pulled>,
  committed: () => void,
): Promise<'end' | 'moved'> {
  const { signal } = parts
  const transactions = parts.transactions()
  let worker: Worker<F, M> | undefined
  try {
    await transactions.open()
    const generation = source.generation()
    const standing = new Map((await source.rewind()).map((at) => [partitionKey(at), at]))
    if (source.generation() !== generation) return 'moved'
    const kept = await parts.kept([...standing.values()])
    worker = await parts.begin(kept.states)
    for await (const records of kept.again()) worker.again(parts.readAgain(records))
    while (!signal.aborted) {
      const { done, records } = await pull()
      if (done) return 'end'
      if (source.generation() !== generation) return 'moved'
      if (records.length > 0 && !source.isCurrent(records)) continue
      const progress = source.progress(records)
      for (const position of progress.positions) standing.set(partitionKey(position), position)
      const positions = [...standing.values()]
      const out = await outputOf(parts, { worker, kept, records, positions })
      if (out.length === 0 && records.length === 0) continue
      // A member of another generation by now is refused, also where it has nothing new to commit.
      await transactions.run(async (tx) => {
        await tx.publish(out)
        await tx.commitOffsets({ ...progress, positions })
      })
      committed()
    }
    return 'end'
  } finally {
    await worker?.end()
    await transactions.close()
  }
}

interface Step<F extends Topic, M extends Topic> {
  readonly worker: Worker<F, M>
  readonly kept: Kept
  readonly records: readonly Incoming[]
  /** Where the group stands after it. */
  readonly positions: readonly Position[]
}

async function outputOf<F extends Topic, M extends Topic>(
  parts: Pick<Parts<F, M>, 'read' | 'letter' | 'records'>,
  { worker, kept, records, positions }: Step<F, M>,
): Promise<Outgoing[]> {
  const out: Outgoing[] = []
  const add = (more: readonly Outgoing[]) => {
    for (const record of more) out.push(record)
  }
  const bad = new Set<Incoming>()
  const taken = parts.read(records, (record, reason) => {
    bad.add(record)
    out.push(parts.letter(record, reason))
  })
  kept.note(records.filter((record) => !bad.has(record)))
  const output: Output = {
    publish: (topic, batch) => add(parts.records(topic, batch)),
    keep: (market, state) => add([kept.write(marketKey(market), state, positions)]),
  }
  await worker.work(taken, output)
  return out
}
