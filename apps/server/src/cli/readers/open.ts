import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { openPromise } from 'yauzl'
import { failure } from '../../lib/failure.ts'

/** One readable text inside a file: the file itself, or an entry of a zip archive. */
export interface Part {
  readonly name: string
  readonly chunks: AsyncIterable<Buffer>
}

export interface OpenOptions {
  readonly signal?: AbortSignal
  /** Bytes of the file on disk that have been read since the last call. */
  readonly onBytes?: (bytes: number) => void
}

const CHUNK = 1 << 18

/**
 * Opens a plain, gzipped or zipped file, told apart by its first bytes and not by its name, and reads it as a stream.
 * Parts must be read in turn. Throws `INVALID_FILE` when the file can't be opened or is cut short.
 */
export async function* openParts(path: string, options: OpenOptions = {}): AsyncGenerator<Part> {
  const magic = await firstBytes(path)
  if (magic.startsWith('504b0304') || magic.startsWith('504b0506')) return yield* zipParts(path, options)
  const bytes = counted(createReadStream(path, { highWaterMark: CHUNK, signal: options.signal }), options.onBytes)
  yield { name: path, chunks: named(path, magic.startsWith('1f8b') ? gunzip(bytes) : bytes) }
}

async function firstBytes(path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
      return buffer.toString('hex', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function* counted(chunks: AsyncIterable<Buffer>, onBytes: OpenOptions['onBytes']): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    onBytes?.(chunk.length)
    yield chunk
  }
}

async function* gunzip(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unpacked = createGunzip({ chunkSize: CHUNK })
  const chunks: AsyncIterable<Buffer> = unpacked
  const feeding = pipeline(bytes, unpacked)
  // A reader that stops early destroys the stream, which the pipeline reports; real faults reach the reader as well.
  feeding.catch(() => undefined)
  yield* chunks
}

async function* named(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* chunks
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function* zipParts(path: string, { signal, onBytes }: OpenOptions): AsyncGenerator<Part> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false }).catch((error) => {
    throw unreadable(path, error)
  })
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || entry.fileName.startsWith('__MACOSX/')) continue
      const packed = entry.compressedSize / Math.max(1, entry.uncompressedSize)
      const stream = await zip.openReadStreamPromise(entry)
      signal?.addEventListener('abort', () => stream.destroy(), { once: true })
      const chunks = counted(stream, onBytes && ((bytes) => onBytes(bytes * packed)))
      yield { name: `${path}:${entry.fileName}`, chunks: named(path, chunks) }
      stream.destroy()
    }
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    zip.close()
  }
}

const unreadable = (file: string, error: unknown) =>
  failure('INVALID_FILE', { file, reason: error instanceof Error ? error.message : String(error) }, error)
