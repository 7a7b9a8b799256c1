import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { DatabaseAddress } from '../databases.ts'
import type { Logger } from '../lib/log.ts'
import { persevere } from '../lib/persevere.ts'
import { together } from '../lib/together.ts'
import { dualStore } from '../store/dual.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import { lockStore } from '../store/embedded/lock.ts'
import { mysqlStore } from '../store/mysql/index.ts'
import { mysqlLock } from '../store/mysql/lock.ts'
import { postgresStore } from '../store/postgres/index.ts'
import { postgresLock } from '../store/postgres/lock.ts'
import { type LockTaker, lockServer, type ServerLock } from '../store/serverLock.ts'
import type { ServerStore } from '../store/store.ts'
import type { Part } from './roles.ts'

type Opener = (url: string, log: Logger) => Promise<ServerStore>

const openers: Record<DatabaseAddress['kind'], Opener> = {
  postgres: (url, log) => postgresStore({ url, log }),
  mysql: (url, log) => mysqlStore({ url, log }),
}

/**
 * The store over the databases that are configured: one holds everything; two are both written, and the first is read.
 * `undefined` when there is none. With a signal, one that does not answer yet is waited for until the signal aborts.
 * Rejects as the stores do.
 */
export async function databaseStore(
  databases: readonly DatabaseAddress[],
  log: Logger,
  signal = AbortSignal.abort(),
): Promise<ServerStore | undefined> {
  const opened: ServerStore[] = []
  try {
    for (const { kind, url } of databases)
      opened.push(await persevere(() => openers[kind](url, log), 'opening the store', log, signal))
    return opened.reduceRight<ServerStore | undefined>((rest, one) => (rest ? dualStore(one, rest) : one), undefined)
  } catch (error) {
    await Promise.all(opened.map((store) => store.close()))
    throw error
  }
}

const takers: Record<DatabaseAddress['kind'], (url: string) => LockTaker> = {
  postgres: postgresLock,
  mysql: mysqlLock,
}

/** Locks all databases for a complete server, or none of them. Rejects as `lockServer`. */
export async function lockDatabases(
  databases: readonly DatabaseAddress[],
  log: Logger,
  signal: AbortSignal,
): Promise<ServerLock> {
  const locks: ServerLock[] = []
  const release = async () => {
    await Promise.all(locks.map((lock) => lock.release()))
  }
  try {
    for (const { kind, url } of databases) locks.push(await lockServer(takers[kind](url), log, signal))
  } catch (error) {
    await release()
    throw error
  }
  const loops = locks.map(({ run }) => run)
  return { run: (signal) => together(signal, loops), release }
}

/** Where a process keeps things. */
export interface Stores {
  readonly store: ServerStore
  /** Kept up while the process runs: another complete server may not share its store. */
  readonly lock: Pick<ServerLock, 'run'>
  close(): Promise<void>
}

/**
 * Opens what a process needs: the databases, else a file in the data folder, of a dispatcher's own where it is alone. Who
 * shares databases with other roles locks nobody out. Rejects as the stores do.
 */
export async function openStores(
  config: Config,
  parts: ReadonlySet<Part>,
  log: Logger,
  signal: AbortSignal,
): Promise<Stores> {
  const complete = !config.kafka && parts.has('record')
  const lock = await lockDatabases(complete ? config.databases : [], log, signal)
  try {
    const file = parts.size === 1 && parts.has('dispatch') ? 'messages.db' : 'candlewire.db'
    const store = (await databaseStore(config.databases, log, signal)) ?? (await embedded(config, file, log))
    return { store, lock, close: () => store.close().finally(lock.release) }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** One server to a file: a second one is refused. */
async function embedded(config: Config, name: string, log: Logger): Promise<ServerStore> {
  const path = join(config.CANDLEWIRE_DATA, name)
  const unlock = await lockStore(path)
  try {
    const file = await embeddedStore({ path, synchronous: config.STORE_SYNCHRONOUS, log })
    return { ...file, close: () => file.close().finally(unlock) }
  } catch (error) {
    unlock()
    throw error
  }
}
