import { stat } from 'node:fs/promises'
import { isFailure } from '../lib/failure.ts'
import type { CommandContext } from './context.ts'
import { say } from './context.ts'
import { createProgress } from './progress.ts'
import type { Kind } from './readers/columns.ts'
import { type BadRecord, type ReadBatch, readFile } from './readers/read.ts'
import type { Compile } from './readers/rows.ts'
import { count, plural } from './table.ts'

/** What reading the files came to. Filled while they are read. */
export interface Reading {
  rows: number
  items: number
  bad: number
  brokenFiles: number
  /** Files that were read to their end. */
  readonly finished: Set<string>
  readonly skipped: Map<string, number>
}

export interface FileBatch<T> extends ReadBatch<T> {
  readonly path: string
}

/** A file, and its first records. */
export interface Opened<T> {
  readonly path: string
  readonly sample: readonly T[]
}

export interface Feed<T> {
  readonly reading: Reading
  /** Every record of every file, in turn. The first bad records are told one by one, the others are counted. */
  readonly batches: () => AsyncGenerator<FileBatch<T>>
}

const TOLD = 5
/** Records by which a file is sorted and its timeframe found. */
const SAMPLE = 100

/** Looks into each file and puts them in the order of their first record. Files that can't be read are told and left out. */
export async function sortFiles<T extends object>(
  context: CommandContext,
  paths: readonly string[],
  kind: Kind,
  compile: (path: string) => Compile<T>,
  timeOf: (item: T) => number,
): Promise<Opened<T>[]> {
  const opened: Opened<T>[] = []
  for (const path of paths) {
    try {
      opened.push({ path, sample: await firstItems(path, kind, compile(path), context.signal) })
    } catch (error) {
      if (!isFailure(error)) throw error
      // It is read once more, with the others, and told then.
      opened.push({ path, sample: [] })
    }
  }
  const first = ({ sample }: Opened<T>): number => (sample[0] ? timeOf(sample[0]) : Number.POSITIVE_INFINITY)
  return opened.sort((a, b) => (first(a) === first(b) ? 0 : first(a) - first(b)))
}

async function firstItems<T extends object>(
  path: string,
  kind: Kind,
  compile: Compile<T>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const found: T[] = []
  for await (const { items } of readFile(path, kind, compile, { signal })) {
    found.push(...items)
    if (found.length >= SAMPLE) break
  }
  return found
}

/** Reads files one after the other with a progress bar of their bytes. A file that breaks off is told; the next goes on. */
export function readAll<T extends object>(
  context: CommandContext,
  title: string,
  paths: readonly string[],
  kind: Kind,
  compile: (path: string) => Compile<T>,
): Feed<T> {
  const reading: Reading = { rows: 0, items: 0, bad: 0, brokenFiles: 0, finished: new Set(), skipped: new Map() }
  async function* batches(): AsyncGenerator<FileBatch<T>> {
    const sizes = await Promise.all(
      paths.map((path) =>
        stat(path).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    )
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const progress = createProgress(context, title, total, 'rows')
    try {
      for (const path of paths) yield* batchesOf(path, (bytes, rows) => progress.advance(bytes, rows))
    } finally {
      progress.end()
    }
  }
  async function* batchesOf(
    path: string,
    advance: (bytes: number, rows: number) => void,
  ): AsyncGenerator<FileBatch<T>> {
    try {
      const options = { signal: context.signal, onBytes: (bytes: number) => advance(bytes, 0) }
      for await (const batch of readFile(path, kind, compile(path), options)) {
        tally(context, reading, batch)
        advance(0, batch.rows)
        yield { ...batch, path }
      }
      reading.finished.add(path)
    } catch (error) {
      if (!isFailure(error) || error.code !== 'INVALID_FILE' || context.signal.aborted) throw error
      reading.brokenFiles++
      say(context, error.message)
    }
  }
  return { reading, batches }
}

function tally(context: CommandContext, reading: Reading, batch: ReadBatch<object>): void {
  for (const record of batch.bad.slice(0, Math.max(0, TOLD - reading.bad))) say(context, badText(record))
  reading.rows += batch.rows
  reading.items += batch.items.length
  reading.bad += batch.bad.length
  for (const [reason, times] of batch.skipped) reading.skipped.set(reason, (reading.skipped.get(reason) ?? 0) + times)
}

const badText = ({ file, line, reason }: BadRecord): string => `${file}:${line}: ${reason}`

/** What is to be said of the reading besides its rows. */
export function readingNotes({ bad, brokenFiles, skipped }: Reading): string[] {
  const notes = [...skipped].map(([reason, times]) => `Skipped ${count(times)} × ${reason}.`)
  if (bad) notes.push(`${plural(bad, 'bad row')} left out${bad > TOLD ? `; the first ${TOLD} are shown above` : ''}.`)
  if (brokenFiles) notes.push(`${plural(brokenFiles, 'file')} could not be read to the end.`)
  return notes
}
