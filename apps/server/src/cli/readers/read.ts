import { basename } from 'node:path'
import { failure, isFailure } from '../../lib/failure.ts'
import { isRejected } from './cells.ts'
import type { Kind } from './columns.ts'
import { type OpenOptions, openParts, type Part } from './open.ts'
import { peek, records, type Shape, shapeOf } from './records.ts'
import { type Compile, recordReader } from './rows.ts'

export interface BadRecord {
  readonly file: string
  /** Line, or in a JSON array the element, counted from 1. */
  readonly line: number
  readonly reason: string
}

/** What some consecutive records of a file hold. */
export interface ReadBatch<T> {
  readonly items: readonly T[]
  readonly bad: readonly BadRecord[]
  /** Records that belong to something else, by reason. */
  readonly skipped: ReadonlyMap<string, number>
  /** Records of all three sorts; blank lines and headers are none. */
  readonly rows: number
  /** The last record of the batch was one of `items`: a file cut in the middle of a line does not end so. */
  readonly whole: boolean
  /** For a capture of frames: exchange time of the first and the last frame so far, ms. */
  readonly seen: { readonly from: number; readonly to: number } | undefined
  readonly shape: Shape
}

/**
 * Reads files of trades or candles in any of the known shapes: CSV (with or without header), JSON arrays, JSON lines,
 * captures of frames; plain, gzipped or zipped. Memory stays bounded whatever the size of the file.
 * Throws `INVALID_FILE` when the file can't be read at all, or breaks off; bad records are handed out, not thrown.
 */
export async function* readFile<T extends object>(
  path: string,
  kind: Kind,
  compile: Compile<T>,
  options: OpenOptions = {},
): AsyncGenerator<ReadBatch<T>> {
  for await (const part of openParts(path, options)) yield* readPart(part, kind, compile)
}

async function* readPart<T extends object>(part: Part, kind: Kind, compile: Compile<T>): AsyncGenerator<ReadBatch<T>> {
  const { head, chunks } = await peek(part.chunks)
  const shape = shapeOf(head)
  let seen: { from: number; to: number } | undefined
  const onSeen = (time: number): void => {
    seen = { from: Math.min(time, seen?.from ?? time), to: Math.max(time, seen?.to ?? time) }
  }
  try {
    const read = recordReader(shape, kind, compile, onSeen)
    for await (const { first, texts } of records(shape, chunks)) {
      const items: T[] = []
      const bad: BadRecord[] = []
      const skipped = new Map<string, number>()
      let rows = 0
      for (const [index, text] of texts.entries()) {
        const value = read(text)
        if (value === undefined) continue
        rows++
        if (!isRejected(value)) items.push(value)
        else if (value.reject === 'bad') bad.push({ file: part.name, line: first + index, reason: value.reason })
        else skipped.set(value.reason, (skipped.get(value.reason) ?? 0) + 1)
      }
      const whole = bad.at(-1)?.line !== first + texts.length - 1
      yield { items, bad, skipped, rows, whole, seen, shape }
    }
  } catch (error) {
    if (isFailure(error)) throw error
    throw failure('INVALID_FILE', { file: part.name, reason: error instanceof Error ? error.message : String(error) })
  }
}

/** The whole UTC days a public archive holds, by its name (`BTCUSDT-trades-2024-08-08.zip`, `…-2024-08.csv.gz`). */
export function namedSpan(path: string): { from: number; to: number } | undefined {
  const match = /-(\d{4})-(\d{2})(?:-(\d{2}))?\.(?:zip|csv|csv\.gz|csv\.zip)$/i.exec(basename(path))
  if (!match) return undefined
  const [year, month, day] = [
    Number(match[1]),
    Number(match[2]) - 1,
    match[3] === undefined ? undefined : Number(match[3]),
  ]
  const from = Date.UTC(year, month, day ?? 1)
  const to = day === undefined ? Date.UTC(year, month + 1, 1) : Date.UTC(year, month, day + 1)
  return Number.isNaN(from) || month > 11 ? undefined : { from, to }
}

/** Midnight of the day a file is named for (`20161007_btcusd_second_trade.csv`), ms: its times may count from there. */
export function namedDay(path: string): number | undefined {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})[_.]/.exec(basename(path))
  return match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : undefined
}
