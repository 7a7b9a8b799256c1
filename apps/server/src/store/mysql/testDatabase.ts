import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { type Connection, createConnection } from 'mysql2/promise'
import { readAddress } from './address.ts'

/** Where tests look for a server: `MYSQL_URL`, or the one that `.ci/services/mariadb` starts. */
export const testUrl = process.env.MYSQL_URL ?? 'mysql://candlewire:candlewire@127.0.0.1:3306/candlewire'

const refusal = await connect(testUrl).then(
  (connection) => connection.end().then(() => undefined),
  (error: unknown) => (error instanceof Error ? error.message || error.name : String(error)),
)
/** For the `skip` of a test: why it can't run. With `REQUIRE_SERVICES=1` it runs and fails. */
export const noServer: string | false =
  refusal !== undefined && process.env.REQUIRE_SERVICES !== '1'
    ? `no MySQL or MariaDB (${refusal}): set MYSQL_URL, or run .ci/services/mariadb`
    : false

/** A connection beside the store's, as another program has it. */
export function connect(url: string): Promise<Connection> {
  const { options } = readAddress(url)
  return createConnection({ ...options, connectTimeout: 5_000, timezone: 'Z' })
}

const made: string[] = []
// For the whole file: asked for within a hook, it would run when that hook is done.
after(async () => {
  for (const name of made) await run(`DROP DATABASE ${name}`)
})

/** The address of an empty database of its own, dropped when the tests of the file are done. */
export async function freshDatabase(): Promise<string> {
  const name = `candlewire_test_${randomBytes(6).toString('hex')}`
  await run(`CREATE DATABASE ${name}`)
  made.push(name)
  const url = new URL(testUrl)
  url.pathname = `/${name}`
  return url.href
}

async function run(sql: string): Promise<void> {
  const connection = await connect(testUrl)
  await connection.query(sql).finally(() => connection.end())
}
