import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { DEPLOY } from './compose.ts'
import { freePorts, type LocalProcess } from './local.ts'

const PROGRAM = '/usr/bin/prometheus'

/** Why tests with a Prometheus can't run, or false. With REQUIRE_SERVICES=1 they run and fail. */
export const noPrometheus: string | false =
  existsSync(PROGRAM) || process.env.REQUIRE_SERVICES === '1'
    ? false
    : `no ${PROGRAM}: install prometheus, or run .ci/services/prometheus`

/**
 * A Prometheus with the configuration and the rules of deploy/, only its targets are the processes of this machine and
 * it looks more often. Gives its address; it ends with the test.
 */
export async function startPrometheus(t: TestContext, folder: string, processes: readonly LocalProcess[]) {
  const [port = 0] = await freePorts(1)
  let text = await readFile(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8')
  for (const { name, ports } of processes)
    for (const [inside, outside] of ports) text = text.replaceAll(`"${name}:${inside}"`, `"127.0.0.1:${outside}"`)
  text = text
    .replaceAll(/(scrape|evaluation)_interval: 10s/g, '$1_interval: 1s')
    .replace('localhost:9090', `127.0.0.1:${port}`)
  await writeFile(join(folder, 'prometheus.yml'), text)
  await cp(join(DEPLOY, 'prometheus/alerts.yml'), join(folder, 'alerts.yml'))
  const child = spawn(
    PROGRAM,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  const ended = once(child, 'close')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return `http://127.0.0.1:${port}`
}
