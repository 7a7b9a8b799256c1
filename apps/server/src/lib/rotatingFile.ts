import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface RotatingSettings {
  readonly path: string
  /** A file that has grown to this is put aside, bytes. */
  readonly maxBytes?: number
  /** Files put aside that are kept: `path.1` is the newest. */
  readonly keep?: number
}

const MIB = 1024 * 1024

/**
 * A log file of bounded size, in a folder that is made when it is not there. Lines are written at once, so that the last ones before a crash are there; a disk that
 * does not take them costs the lines, not the process. Throws the system's error when the file can't be opened.
 */
export function rotatingFile({ path, maxBytes = 10 * MIB, keep = 5 }: RotatingSettings) {
  mkdirSync(dirname(path), { recursive: true })
  let file = openSync(path, 'a')
  let size = fstatSync(file).size

  function rotate(): void {
    for (let n = keep; n > 0; n--) {
      const from = n === 1 ? path : `${path}.${n - 1}`
      if (existsSync(from)) renameSync(from, `${path}.${n}`)
    }
    const next = openSync(path, 'a')
    closeSync(file)
    file = next
    size = fstatSync(file).size
  }

  return {
    write(line: string): void {
      try {
        if (size > 0 && size + Buffer.byteLength(line) > maxBytes) rotate()
        size += writeSync(file, line)
      } catch {
        // There is no place left to tell it; the screen has the line.
      }
    },
    close: (): void => closeSync(file),
  }
}
