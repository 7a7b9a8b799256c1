import { createWriteStream } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { createGzip, type Gzip } from 'node:zlib'
import { pause } from '../../collect/backoff.ts'
import { captureLine } from './lines.ts'
import type { Note } from './notes.ts'

interface Settings {
  readonly folder: string
  /** Beginning of the file names. */
  readonly name: string
  /** A new file is begun after this long, or this many compressed bytes. */
  readonly rotateMs: number
  readonly rotateBytes: number
  /** Text that may wait for the disk, characters; above it frames are left out, counted and noted. */
  readonly maxWaiting?: number
  /** The first line of a file; `continues`: it is not the first file. */
  readonly header: (continues: boolean) => Note
}

export interface CaptureWriter {
  /** Appends lines, all or none. Never waits. `received` in ms. */
  line(received: number, ...texts: string[]): void
  note(at: number, note: Note): void
  /** Writes until the signal aborts and everything is on the disk. Rejects when the disk does. */
  run(signal: AbortSignal): Promise<void>
  bytes(): number
  lost(): number
  files(): readonly string[]
}

const FLUSH_MS = 200
const PART = '.part'

interface OpenFile {
  readonly path: string
  readonly begun: number
  readonly gzip: Gzip
  readonly done: Promise<void>
  written: number
}

/**
 * Gzipped capture files, one after the other. A file bears its name only once it is whole and on the disk; until then
 * it ends in `.part`, and a reader can take what is in it.
 */
export function createCaptureWriter(settings: Settings): CaptureWriter {
  const { folder, name, rotateMs, rotateBytes, maxWaiting = 1 << 28, header } = settings
  const files: string[] = []
  let waiting: string[] = []
  let size = 0
  let lost = 0
  let lostNoted = 0
  let now = 0
  let file: OpenFile | undefined
  let closedBytes = 0

  const noteText = (note: Note) => JSON.stringify(note)
  function line(received: number, ...texts: string[]): void {
    now = Math.max(now, received)
    if (size > maxWaiting) {
      lost += 1
      return
    }
    const whole = texts.map((text) => captureLine(received, text)).join('')
    size += whole.length
    waiting.push(whole)
  }

  async function begin(): Promise<OpenFile> {
    await mkdir(folder, { recursive: true })
    const stamp = new Date(now).toISOString().replace(/[-:]/g, '').replace(/\..*/, '')
    const number = String(files.length + 1).padStart(4, '0')
    const path = join(folder, `${name}-${stamp}Z-${number}.gz`)
    const gzip = createGzip()
    const out = createWriteStream(`${path}${PART}`)
    out.on('error', (error) => gzip.destroy(error))
    const made: OpenFile = { path, begun: now, gzip, done: finished(gzip.pipe(out)), written: 0 }
    made.done.catch(() => undefined)
    gzip.on('data', (chunk: Buffer) => {
      made.written += chunk.length
    })
    gzip.write(captureLine(now, noteText(header(files.length > 0))))
    files.push(path)
    return made
  }

  async function end({ path, gzip, done, written }: OpenFile): Promise<void> {
    gzip.end(captureLine(now, noteText({ candlewire: 'end' })))
    await done
    const handle = await open(`${path}${PART}`, 'r')
    await handle.sync().finally(() => handle.close())
    await rename(`${path}${PART}`, path)
    closedBytes += written
  }

  async function flush(): Promise<void> {
    if (!waiting.length) return
    file ??= await begin()
    const text = waiting.join('')
    waiting = []
    size = 0
    if (!file.gzip.write(text)) await drained(file)
    if (lost > lostNoted) {
      line(now, noteText({ candlewire: 'lost', frames: lost - lostNoted }))
      lostNoted = lost
    }
    if (now - file.begun < rotateMs && file.written < rotateBytes) return
    const full = file
    file = undefined
    await end(full)
  }

  return {
    line,
    note: (at, note) => line(at, noteText(note)),
    bytes: () => closedBytes + (file?.written ?? 0),
    lost: () => lost,
    files: () => files,
    async run(signal) {
      try {
        while (!signal.aborted) {
          await flush()
          await pause(FLUSH_MS, signal)
        }
        await flush()
      } finally {
        if (file) await end(file)
      }
    },
  }
}

const drained = ({ gzip, done }: OpenFile): Promise<unknown> =>
  Promise.race([new Promise((resolve) => gzip.once('drain', resolve)), done])
