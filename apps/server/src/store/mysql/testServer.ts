import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { connect } from './testDatabase.ts'

const program = ['/usr/sbin/mariadbd', '/usr/local/bin/mariadbd', '/usr/bin/mariadbd'].find((path) => existsSync(path))
/** For the `skip` of a test that kills its server. */
export const noProgram: string | false =
  !program && process.env.REQUIRE_SERVICES !== '1' ? 'no mariadbd here: install mariadb-server' : false

/** A MariaDB that belongs to one file of tests: it may be killed, frozen and started again on the same data and port. */
export interface TestServer {
  readonly url: string
  start(): Promise<void>
  /** Ends it without a word, or freezes it. */
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

export async function testServer(): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'candlewire-mariadbd-'))
  const data = join(folder, 'data')
  const user = `--user=${userInfo().username}`
  const port = await freePort()
  const url = `mysql://candlewire:candlewire@127.0.0.1:${port}/candlewire`
  let server: ChildProcess | undefined

  const setup = [
    '--no-defaults',
    `--datadir=${data}`,
    user,
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ]
  await promisify(execFile)('mariadb-install-db', setup)
  const first = `CREATE DATABASE IF NOT EXISTS candlewire;
    CREATE USER IF NOT EXISTS candlewire@'%' IDENTIFIED BY 'candlewire';
    GRANT ALL ON candlewire.* TO candlewire@'%';`
  await writeFile(join(folder, 'init.sql'), first.replaceAll(/\n\s+/g, '\n'))

  async function start(): Promise<void> {
    const place = [`--datadir=${data}`, `--socket=${join(folder, 's')}`, `--pid-file=${join(folder, 'pid')}`]
    const net = [`--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve']
    const options = ['--no-defaults', user, ...place, ...net, `--init-file=${join(folder, 'init.sql')}`]
    server = spawn(program ?? 'mariadbd', options, { stdio: 'ignore' })
    while (!(await answers(url))) {
      if (server.exitCode !== null) throw new Error(`mariadbd ended with ${server.exitCode}`)
      await sleep(50)
    }
  }
  await start()
  return {
    url,
    start,
    async signal(name) {
      if (name === 'SIGKILL') await kill(server!)
      else server!.kill(name)
    },
    async stop() {
      if (server && server.exitCode === null && server.signalCode === null) await kill(server)
      await rm(folder, { recursive: true })
    },
  }
}

async function kill(server: ChildProcess): Promise<void> {
  const exit = once(server, 'exit')
  server.kill('SIGKILL')
  await exit
}

const answers = (url: string): Promise<boolean> =>
  connect(url).then(
    (connection) => connection.end().then(() => true),
    () => false,
  )

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
