import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const MAIN = join(import.meta.dirname, '../src/main.ts')

type Variables = Readonly<Record<string, string>>

/** A command line as a process of its own, with no variables but these; killed when the test ends. */
export function run(
  t: TestContext,
  args: readonly string[],
  variables: Variables = {},
  cwd = process.cwd(),
  limitMs = 60_000,
) {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  const env = { PATH, HOME, ...(TMPDIR !== undefined && { TMPDIR }), ...variables }
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    said.err += String(chunk)
  })
  const closed = once(child, 'close').then(([code]: unknown[]) => ({ code, ...said }))
  t.after(async () => {
    child.kill('SIGKILL')
    await closed
  })
  return { child, said, closed }
}

/** Runs a command line to its end. */
export const finish = (t: TestContext, args: readonly string[], variables?: Variables) => run(t, args, variables).closed
