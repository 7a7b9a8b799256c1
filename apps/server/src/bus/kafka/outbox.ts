import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { makeFolder } from '../../lib/folder.ts'
import type { Outgoing } from './record.ts'

/** A record and its number; numbers grow by one and never return. */
export interface Numbered {
  readonly number: number
  readonly record: Outgoing
}

/** Records on disk that wait for the broker, oldest first. They survive a restart. */
export interface Outbox {
  /** Names the folder, and so the process and the one that takes its place. */
  readonly owner: string
  /** Names this run of numbers; another after a start with nothing waiting. */
  readonly id: string
  /** The highest number ever put in under this id. */
  readonly last: number
  /** Records waiting, those included that are being written. */
  size(): number
  /** Resolves when they are on disk. */
  append(entries: readonly Numbered[]): Promise<void>
  /** The oldest, at most `limit` of them; empty when there are none. */
  peek(limit: number): Promise<readonly Numbered[]>
  /** Forgets everything up to and with this number. */
  drop(number: number): Promise<void>
  close(): Promise<void>
}

interface Segment {
  readonly path: string
  bytes: number
  /** Numbers of its first and last record. */
  readonly first: number
  last: number
}

const Line = Compile(
  Type.Object({
    number: Type.Integer({ minimum: 1 }),
    record: Type.Object({
      topic: Type.String(),
      key: Type.String(),
      value: Type.String(),
      headers: Type.Record(Type.String(), Type.String()),
    }),
  }),
)

const SEGMENTS = 8
const ID_FILE = 'id'
const OWNER_FILE = 'owner'

/**
 * Opens the outbox of a folder, which must belong to this process alone. It takes at most `maxBytes` of disk, in
 * segments of an eighth: the oldest segment goes when there is no room, and `lost` hears how many records that were.
 * Rejects with the system's error.
 */
export async function openOutbox(folder: string, maxBytes: number, lost: (records: number) => void): Promise<Outbox> {
  await makeFolder(folder)
  const segments = await readSegments(folder)
  const id = await readName(join(folder, ID_FILE), segments.length > 0)
  const owner = await readName(join(folder, OWNER_FILE), true)
  const state = { segments, dropped: segments[0] ? segments[0].first - 1 : 0, last: segments.at(-1)?.last ?? 0 }
  return { owner, id, last: state.last, ...operations({ folder, maxBytes, lost }, state) }
}

/** What a file holds; a new name unless it is to be kept. */
async function readName(path: string, keep: boolean): Promise<string> {
  const kept = keep ? await readFile(path, 'utf8').catch(() => '') : ''
  if (kept) return kept
  const id = randomUUID()
  await writeFile(path, id)
  return id
}

async function readSegments(folder: string): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.log')).sort()) {
    const path = join(folder, name)
    const text = await readFile(path, 'utf8')
    const entries = readLines(text)
    const [first, last] = [entries[0], entries.at(-1)]
    if (first && last) segments.push({ path, bytes: Buffer.byteLength(text), first: first.number, last: last.number })
    else await rm(path)
  }
  return segments
}

/** The whole lines of a segment. One that a crash has cut short was never acknowledged. */
const readLines = (text: string): Numbered[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line) => readLine(line))

function readLine(line: string): Numbered[] {
  if (line === '') return []
  try {
    const value: unknown = JSON.parse(line)
    return Line.Check(value) ? [value] : []
  } catch {
    return []
  }
}

interface State {
  readonly segments: Segment[]
  /** Numbers up to here have been forgotten. */
  dropped: number
  last: number
}

interface Limits {
  readonly folder: string
  readonly maxBytes: number
  readonly lost: (records: number) => void
}

function operations({ folder, maxBytes, lost }: Limits, state: State): Omit<Outbox, 'owner' | 'id' | 'last'> {
  const { segments } = state
  let tail: FileHandle | undefined
  let head: { readonly path: string; readonly entries: readonly Numbered[] } | undefined
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <R>(work: () => Promise<R>): Promise<R> => {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }
  const closeTail = async () => {
    await tail?.close()
    tail = undefined
  }

  let pending: Numbered[] = []
  let writing: Promise<void> | undefined
  /** What comes while the disk is busy is written together. */
  function writePending(): Promise<void> {
    const entries = pending
    pending = []
    writing = undefined
    return write(entries).catch(async (error) => {
      // What follows goes to a new file, behind no half-written line.
      await closeTail().catch(() => {})
      settle()
      throw error
    })
  }

  /** With nothing on disk and nothing to come, nothing waits, whatever became of it. */
  function settle() {
    if (segments.length === 0 && pending.length === 0) state.dropped = Math.max(state.dropped, state.last)
  }

  async function write(entries: readonly Numbered[]): Promise<void> {
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
    const bytes = Buffer.byteLength(text)
    if (!tail || segments.at(-1)!.bytes + bytes > maxBytes / SEGMENTS) {
      await closeTail()
      const path = join(folder, `${String(entries[0]!.number).padStart(16, '0')}.log`)
      tail = await open(path, 'a')
      segments.push({ path, bytes: 0, first: entries[0]!.number, last: entries[0]!.number })
    }
    await tail.appendFile(text)
    await tail.datasync()
    const segment = segments.at(-1)!
    segment.bytes += bytes
    segment.last = entries.at(-1)!.number
    await makeRoom()
  }

  async function makeRoom(): Promise<void> {
    while (segments.length > 1 && segments.reduce((sum, { bytes }) => sum + bytes, 0) > maxBytes) {
      const [oldest] = segments
      lost(oldest!.last - Math.max(state.dropped, oldest!.first - 1))
      await forget(oldest!.last)
    }
  }

  async function forget(number: number): Promise<void> {
    state.dropped = Math.max(state.dropped, number)
    while (segments[0] && segments[0].last <= state.dropped) {
      if (segments.length === 1) await closeTail()
      await rm(segments.shift()!.path, { force: true })
    }
    settle()
  }

  return {
    size: () => Math.max(0, state.last - state.dropped),
    append(entries) {
      if (entries.length === 0) return Promise.resolve()
      if (segments.length === 0 && state.dropped >= state.last) state.dropped = entries[0]!.number - 1
      state.last = entries.at(-1)!.number
      for (const entry of entries) pending.push(entry)
      writing ??= inTurn(writePending)
      return writing
    },
    peek: (limit) =>
      inTurn(async () => {
        for (let segment = segments[0]; segment; segment = segments[0]) {
          // What is being read is not written to any more.
          if (segments.length === 1) await closeTail()
          if (head?.path !== segment.path)
            head = { path: segment.path, entries: readLines(await readFile(segment.path, 'utf8')) }
          const from = head.entries.findIndex(({ number }) => number > state.dropped)
          if (from >= 0) return head.entries.slice(from, from + limit)
          await forget(segment.last)
        }
        return []
      }),
    drop: (number) => inTurn(() => forget(number)),
    close: () => inTurn(closeTail),
  }
}
