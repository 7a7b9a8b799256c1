import { failure } from '../../lib/failure.ts'
import { type OpenOptions, openParts } from '../readers/open.ts'

/** A line of a capture: `<receive time> <text>`. */
export interface CaptureLine {
  /** ms. */
  readonly received: number
  readonly text: Buffer
}

export interface LineBatch {
  readonly lines: readonly CaptureLine[]
  /** Numbers of lines that are none of a capture. */
  readonly bad: readonly number[]
}

const NEWLINE = 0x0a
const SPACE = 0x20
const LONGEST = 1 << 26
/** Digits of a time in ms, from 2001 to 2286; s have fewer, µs and ns more. */
const MS_DIGITS = 13

/**
 * The lines of a capture file, plain, gzipped or zipped, in batches as they come off the disk. Throws `INVALID_FILE`,
 * after the last whole line, when the file is cut short or damaged.
 */
export async function* captureLines(path: string, options: OpenOptions = {}): AsyncGenerator<LineBatch> {
  for await (const part of openParts(path, options)) {
    let rest: Buffer = Buffer.alloc(0)
    let number = 0
    for await (const chunk of part.chunks) {
      const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk
      const end = bytes.lastIndexOf(NEWLINE) + 1
      if (bytes.length - end > LONGEST)
        throw failure('INVALID_FILE', { file: part.name, line: number + 1, reason: 'the line does not end' })
      const batch = split(bytes.subarray(0, end), number)
      number += batch.count
      rest = bytes.subarray(end)
      yield batch
    }
    if (rest.length) yield split(rest, number)
  }
}

function split(bytes: Buffer, before: number) {
  const lines: CaptureLine[] = []
  const bad: number[] = []
  let count = 0
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, start)
    const end = found < 0 ? bytes.length : found
    count += 1
    const line = readLine(bytes.subarray(start, end))
    if (line) lines.push(line)
    else if (end > start) bad.push(before + count)
    start = end + 1
  }
  return { lines, bad, count }
}

function readLine(line: Buffer): CaptureLine | undefined {
  const space = line.indexOf(SPACE)
  if (space < 0 || space === line.length - 1) return undefined
  const time = line.toString('latin1', 0, space)
  if (!/^\d{13,19}$/.test(time)) return undefined
  return { received: Number(time.slice(0, MS_DIGITS)), text: line.subarray(space + 1) }
}

/** The line of a frame that was received at `received`, ms. Newlines inside a frame would end its line early. */
export const captureLine = (received: number, text: string): string =>
  `${received}000000 ${text.includes('\n') ? text.replaceAll('\n', ' ') : text}\n`
