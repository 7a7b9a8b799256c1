import type { ConnectionOptions } from 'mysql2/promise'
import { failure } from '../../lib/failure.ts'

export interface Address {
  readonly options: Pick<ConnectionOptions, 'user' | 'password' | 'database' | 'ssl'> & {
    readonly host: string
    readonly port: number
  }
  /** `host:port/database`, safe to show. */
  readonly name: string
}

const PORT = 3306
/** As the MySQL command line names them. `REQUIRED` encrypts without asking who answers. */
const ENCRYPTION: Record<string, ConnectionOptions['ssl']> = {
  DISABLED: undefined,
  REQUIRED: { rejectUnauthorized: false },
  VERIFY_IDENTITY: { rejectUnauthorized: true, verifyIdentity: true },
}

/**
 * Reads `mysql://user:password@host:3306/database?ssl-mode=VERIFY_IDENTITY`; `mariadb://` is the same, and a driver's
 * name as in `mysql+aiomysql://` is ignored. Throws `INVALID_SETTING`; no message holds the password.
 */
export function readAddress(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^(mysql|mariadb)(\+\w+)?:$/.test(url.protocol))
    throw bad('not mysql://user:password@host:port/database')
  const host = decodeURIComponent(url.hostname.replace(/^\[|\]$/g, ''))
  const database = decodeURIComponent(url.pathname.slice(1))
  if (!host || !database || database.includes('/')) throw bad('it names no host, or no database')
  const mode = (url.searchParams.get('ssl-mode') ?? 'DISABLED').toUpperCase()
  if (!(mode in ENCRYPTION)) throw bad(`ssl-mode must be one of ${Object.keys(ENCRYPTION).join(', ')}`)
  const ssl = ENCRYPTION[mode]
  const port = Number(url.port) || PORT
  const user = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  return { options: { host, port, user, password, database, ...(ssl && { ssl }) }, name: `${host}:${port}/${database}` }
}

const bad = (reason: string) => failure('INVALID_SETTING', { name: 'the address of MySQL', reason })
