import type { FetchResponse } from './client.ts'

type Partition = FetchResponse['responses'][number]['partitions'][number]
type Stored = NonNullable<Partition['records']>[number]

const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const ABORT = 0

const isAbort = (batch: Stored): boolean => batch.records[0]?.key?.readInt16BE(2) === ABORT

const lastOffset = (batch: Stored): bigint => batch.firstOffset + BigInt(batch.lastOffsetDelta)

/**
 * The batches of one partition of a `read_committed` answer that hold committed data. The broker sends aborted data
 * too, with a list of where it begins for each producer; it ends at that producer's next abort marker, which may lie
 * beyond this answer. (Kafka protocol, FetchResponse; message format, control batches.)
 */
export function committedBatches({ records, abortedTransactions }: Partition): Stored[] {
  const begins = [...(abortedTransactions ?? [])].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const aborting = new Set<bigint>()
  const committed: Stored[] = []
  let next = 0
  for (const batch of records ?? []) {
    for (; next < begins.length && begins[next]!.firstOffset <= lastOffset(batch); next++)
      aborting.add(begins[next]!.producerId)
    if (batch.attributes & CONTROL) {
      if (isAbort(batch)) aborting.delete(batch.producerId)
    } else if (!(batch.attributes & TRANSACTIONAL) || !aborting.has(batch.producerId)) committed.push(batch)
  }
  return committed
}

/** Where to read on after this answer; `from` when it holds nothing. */
export function nextOffset({ records }: Partition, from: bigint): bigint {
  const last = records?.at(-1)
  return last ? lastOffset(last) + 1n : from
}
