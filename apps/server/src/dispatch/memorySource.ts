import type { RecordBatch, RecordSource, SourceRecord } from './source.ts'

export type NewRecord = Pick<SourceRecord, 'topic' | 'value'> & Partial<SourceRecord>

export interface MemorySource extends RecordSource {
  push(...records: NewRecord[]): void
  /** How many records were committed. */
  committed(): number
}

/** Records of a process's own memory. A new reader begins after the last commit, as it would after a restart. */
export function memorySource({ batch = 100 }: { batch?: number } = {}): MemorySource {
  const records: SourceRecord[] = []
  let committed = 0
  let woken = Promise.withResolvers<void>()

  async function* read(topics: readonly string[], signal: AbortSignal): AsyncGenerator<RecordBatch> {
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    let next = committed
    while (!signal.aborted) {
      const from = next
      next = Math.min(records.length, from + batch)
      if (next === from) {
        await Promise.race([woken.promise, stopped])
        continue
      }
      const end = next
      yield {
        records: records.slice(from, end).filter(({ topic }) => topics.includes(topic)),
        commit: async () => {
          committed = Math.max(committed, end)
        },
      }
    }
  }

  return {
    read,
    push(...added) {
      for (const record of added) {
        const id = `${record.topic}:0:${records.length}`
        records.push({ id, key: '', headers: {}, ...record })
      }
      woken.resolve()
      woken = Promise.withResolvers()
    },
    committed: () => committed,
    status: () => ({ connected: true, groupId: 'memory', assignments: [], lag: { all: records.length - committed } }),
  }
}
