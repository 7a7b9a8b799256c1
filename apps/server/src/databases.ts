import { failure } from './lib/failure.ts'

/** Where a database is. The address holds its password: never log it. */
export interface DatabaseAddress {
  readonly kind: 'postgres' | 'mysql'
  readonly url: string
}

interface Given {
  readonly TIMESCALE_HOST?: string
  readonly TIMESCALE_PORT: number
  readonly TIMESCALE_DB: string
  readonly TIMESCALE_USER: string
  readonly TIMESCALE_PASSWORD: string
  readonly DATABASE_URL?: string
}

const KINDS: Record<string, DatabaseAddress['kind']> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
}

/** The databases of the variables: TimescaleDB first, it is read. Throws `INVALID_SETTING`, without the address. */
export function readDatabases(given: Given): DatabaseAddress[] {
  const named = given.DATABASE_URL === undefined ? [] : [addressOf(given.DATABASE_URL)]
  if (given.TIMESCALE_HOST === undefined) return named
  const series = seriesAddress(given.TIMESCALE_HOST, given)
  return [series, ...named.filter((other) => placeOf(other) !== placeOf(series))]
}

function seriesAddress(host: string, given: Given): DatabaseAddress {
  const { TIMESCALE_PORT: port, TIMESCALE_DB, TIMESCALE_USER, TIMESCALE_PASSWORD } = given
  const [user, password, name] = [TIMESCALE_USER, TIMESCALE_PASSWORD, TIMESCALE_DB].map(encodeURIComponent)
  const url = `postgres://${user}:${password}@${host.includes(':') ? `[${host}]` : host}:${port}/${name}`
  if (!URL.canParse(url)) throw failure('INVALID_SETTING', { name: 'TIMESCALE_HOST', reason: 'not the name of a host' })
  return { kind: 'postgres', url }
}

/** A driver's name, as in `mysql+aiomysql://`, is left out. */
function addressOf(text: string): DatabaseAddress {
  const [, scheme = '', rest = ''] = /^(\w+)(?:\+\w+)?:\/\/(.+)$/.exec(text) ?? []
  const kind = KINDS[scheme.toLowerCase()]
  const url = `${kind}://${rest}`
  if (kind && URL.canParse(url) && new URL(url).hostname !== '') return { kind, url }
  const reason = 'not like postgres://user:password@host:5432/name or mysql://user:password@host:3306/name'
  throw failure('INVALID_SETTING', { name: 'DATABASE_URL', reason })
}

/** Two addresses of one database must not be written as two. */
function placeOf({ kind, url }: DatabaseAddress): string {
  const { hostname, port, pathname } = new URL(url)
  return `${kind} ${hostname}:${port || '5432'}${pathname}`
}
