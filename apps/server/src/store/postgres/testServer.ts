import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

/** The PostgreSQL that tests use, with a user who may make databases. */
const SERVER = process.env.POSTGRES_URL ?? 'postgres://candlewire:candlewire@127.0.0.1:5432/candlewire'

async function asAdmin<R>(url: string, work: (client: Client) => Promise<R>): Promise<R> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Why the tests that need a server are skipped; `false` when one answers. With REQUIRE_SERVICES=1 they are not. */
export async function missingServer(): Promise<string | false> {
  if (process.env.REQUIRE_SERVICES === '1') return false
  try {
    await asAdmin(SERVER, (client) => client.query('SELECT 1'))
    return false
  } catch {
    const { host } = new URL(SERVER)
    return `no PostgreSQL answers at ${host}: start .ci/services/postgres, or set POSTGRES_URL`
  }
}

/** Databases of one test file, each empty and its own; `drop` removes them. */
export function createDatabases(server = SERVER) {
  const names: string[] = []
  return {
    /** The address of a new one. */
    async fresh(): Promise<string> {
      const name = `candlewire_test_${randomBytes(6).toString('hex')}`
      await asAdmin(server, (client) => client.query(`CREATE DATABASE ${name}`))
      names.push(name)
      return Object.assign(new URL(server), { pathname: `/${name}` }).href
    },
    async drop(): Promise<void> {
      for (const name of names) await asAdmin(server, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`))
    },
  }
}
