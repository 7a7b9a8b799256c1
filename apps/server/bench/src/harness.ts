import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What one variant measured: operations a second, or CPU per operation when `unit` says so. */
export interface Figure {
  readonly perSecond: number
  /** CPU time of the measured process per operation, µs, where wall time would mostly measure the load. */
  readonly cpuMicros?: number
  /** Must agree between variants that do the same work. */
  readonly check?: string
}

export interface Variant {
  readonly name: string
  readonly role: 'ours' | 'peer' | 'limit'
  readonly run: () => Promise<Figure> | Figure
}

export interface Suite {
  readonly name: string
  /** What one operation is. */
  readonly unit: string
  /** What the ratio compares: more a second, or less CPU. */
  readonly by: 'perSecond' | 'cpuMicros'
  readonly variants: readonly Variant[]
  /** Why it can't run here; `false` when it can. */
  readonly missing?: () => Promise<string | false>
  /** Ratios to hold, ours over the named peer. */
  readonly aims?: Readonly<Record<string, number>>
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN

/** Runs `work` (which does `operations`) a few times after a warm-up and takes the median. */
export function timed(operations: number, work: () => unknown, { passes = 5, warm = 2 } = {}): Figure {
  let check: unknown
  for (let pass = 0; pass < warm; pass++) check = work()
  const seconds: number[] = []
  for (let pass = 0; pass < passes; pass++) {
    globalThis.gc?.()
    const start = process.hrtime.bigint()
    check = work()
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9)
  }
  return { perSecond: operations / median(seconds), check: String(check) }
}

/** The same for asynchronous work. */
export async function timedAsync(
  operations: number,
  work: () => Promise<unknown>,
  { passes = 5, warm = 2 } = {},
): Promise<Figure> {
  for (let pass = 0; pass < warm; pass++) await work()
  const seconds: number[] = []
  for (let pass = 0; pass < passes; pass++) {
    globalThis.gc?.()
    const start = process.hrtime.bigint()
    await work()
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9)
  }
  return { perSecond: operations / median(seconds) }
}

const entry = fileURLToPath(new URL('./main.ts', import.meta.url))

/** Runs one variant in a fresh process, so that no variant inherits another's heap or compiled code. */
export function inChild(suite: string, variant: string): Promise<Figure> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--expose-gc', '--max-old-space-size=8192', entry, '--one', suite, variant],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let out = ''
    let complaint = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      complaint = `${complaint}${chunk}`.slice(-2000)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code !== 0) return reject(new Error(`${suite}/${variant} ended with ${code}: ${complaint}`))
      resolve(JSON.parse(out.trim().split('\n').at(-1) ?? '') as Figure)
    })
  })
}

/** A small seeded generator, so that every variant sees the same input. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
