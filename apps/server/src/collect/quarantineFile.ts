import { appendFile, mkdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../lib/log.ts'
import type { QuarantineFile } from './quarantine.ts'

interface Settings {
  readonly folder: string
  readonly name: string
  readonly log: Logger
  /** A file of this size, bytes, makes room for a new one. */
  readonly maxBytes?: number
  /** Older files that are kept beside it. */
  readonly older?: number
}

/** Lines that wait for the disk; more are left out, as they are counted and kept in memory anyway. */
const MAX_WAITING = 1_000

/**
 * Frames that were set aside, a JSON line each, in `name.jsonl`; when that is full it becomes `name.1.jsonl`, and so on.
 * `settled` resolves when all lines so far are written.
 */
export function quarantineFile({ folder, name, log, maxBytes = 8 << 20, older = 4 }: Settings) {
  const path = (age: number): string => join(folder, age === 0 ? `${name}.jsonl` : `${name}.${age}.jsonl`)
  let waiting: string[] = []
  let writing: Promise<void> | undefined

  async function makeRoom(): Promise<void> {
    const size = await stat(path(0)).then(
      (file) => file.size,
      () => 0,
    )
    if (size < maxBytes) return
    for (let age = older - 1; age >= 0; age--) await rename(path(age), path(age + 1)).catch(() => {})
  }

  async function write(): Promise<void> {
    try {
      await mkdir(folder, { recursive: true })
      while (waiting.length) {
        await makeRoom()
        const lines = waiting
        waiting = []
        await appendFile(path(0), lines.join(''))
      }
    } catch (error) {
      waiting = []
      log.warn({ err: error, folder }, 'frames that were set aside could not be written')
    } finally {
      writing = undefined
    }
  }

  const add: QuarantineFile = (item) => {
    if (waiting.length >= MAX_WAITING) return
    waiting.push(`${JSON.stringify(item)}\n`)
    writing ??= write()
  }
  return { add, settled: async (): Promise<void> => writing }
}
