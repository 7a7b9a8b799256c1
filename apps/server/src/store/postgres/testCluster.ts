import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where Debian keeps the programs of the server, the newest version. */
const programs = globSync('/usr/lib/postgresql/*/bin/initdb').sort().at(-1)

/** Why a server of one's own can't be had; `false` when it can. */
export const missingPrograms: string | false = programs
  ? false
  : 'the programs of a PostgreSQL server are not in /usr/lib/postgresql: install the package postgresql'

/** A server of a test's own, which may be killed. */
export async function createCluster() {
  const bin = dirname(programs ?? '')
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-cluster-'))
  const user = await serverUser()
  if (user) await chown(folder, user.uid, user.gid)
  const password = join(folder, 'password')
  await writeFile(password, 'se%cret')
  if (user) await chown(password, user.uid, user.gid)
  const port = await freePort()
  const data = join(folder, 'data')
  const as = { ...user, cwd: folder }
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'candlewire', `--pwfile=${password}`, '-A', 'scram-sha-256'], as)

  async function start() {
    const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off']
    const options = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
    const server = spawn(join(bin, 'postgres'), options, { ...as, stdio: 'ignore' })
    const ended = once(server, 'exit')
    return {
      /** Ends it as a crash does: no checkpoint, the connections cut. */
      async crash() {
        server.kill('SIGQUIT')
        await ended
      },
    }
  }

  return {
    url: `postgres://candlewire:${encodeURIComponent('se%cret')}@127.0.0.1:${port}/postgres`,
    start,
    remove: () => rm(folder, { recursive: true }),
  }
}

/** The server refuses to run as root. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)),
  )
  return { uid: uid!, gid: gid! }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
