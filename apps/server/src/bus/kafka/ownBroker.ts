import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { noBroker } from './testSupport.ts'

const script = join(import.meta.dirname, '../../../../../.ci/services/kafka')
const hasJava = (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'java')))

/** `skip` of a test that starts and stops a broker of its own. */
export const noOwnBroker: string | false = noBroker || (hasJava ? false : 'a broker of its own needs Java')

/** A port below those that the system gives to clients, with room for the three beside it. */
async function freePort(): Promise<number> {
  for (let port = 21_000 + 10 * (process.pid % 1000); ; port += 10) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer().once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}

/** A place for a broker that does not run yet. `remove` stops it and takes its data away. */
export async function ownBroker() {
  const data = join(mkdtempSync(join(tmpdir(), 'candlewire-kafka-')), 'broker')
  const port = await freePort()
  const env = { ...process.env, KAFKA_PORT: String(port), KAFKA_DATA: data }
  /** A command of `.ci/services/kafka`: `start`, `stop-broker 0`, … */
  const run = (...command: string[]) => promisify(execFile)('bash', [script, ...command], { env })
  const remove = async () => {
    await run('stop')
    rmSync(join(data, '..'), { recursive: true, force: true })
  }
  return { address: `127.0.0.1:${port}`, run, remove }
}
